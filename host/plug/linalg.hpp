// The host's side of the extension assay.linalg/1. Installed by plug/bridge.
#pragma once

#include <assay.h>

namespace assay::plug {

const assay_linalg &linalg_table();  // static

}  // namespace assay::plug
