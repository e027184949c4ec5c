// The functions that the host offers to plugins as the extension assay.linalg/1 (matrix products, Cholesky factors).
// plug/bridge installs them.
#pragma once

#include <assay.h>

namespace assay::plug {

const assay_linalg &linalg_table();  // valid until the process ends

}  // namespace assay::plug
