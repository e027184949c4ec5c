// Compiles the packed kernels for any machine.
#include "packed/packed_body.hpp"

namespace assay::model {

extern const packed_kernel k_packed_base;
const packed_kernel k_packed_base = {"base", product, many, arrange};

}  // namespace assay::model
