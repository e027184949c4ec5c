// Compiles the packed kernels for AVX2 (with FMA and F16C). The file is empty if the target is not x86-64.
#include "packed/packed_body.hpp"

namespace assay::model {

#if defined(__AVX2__)
extern const packed_kernel k_packed_avx2;
const packed_kernel k_packed_avx2 = {"avx2", product, many, arrange};
#endif

}  // namespace assay::model
