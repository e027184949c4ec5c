// Compiles the packed kernels for AVX-512 (F and BW). The file is empty if the target is not x86-64.
#include "packed/packed_body.hpp"

namespace assay::model {

#if defined(__AVX512F__)
extern const packed_kernel k_packed_avx512;
const packed_kernel k_packed_avx512 = {"avx512", product, many, arrange};
#endif

}  // namespace assay::model
