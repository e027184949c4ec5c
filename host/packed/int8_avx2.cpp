// Compiles the int8 kernel for AVX2. The file is empty if the target is not x86-64.
#include "packed/int8_body.hpp"

namespace assay::model {

#if defined(__AVX2__)
extern const int8_kernel k_int8_avx2;
const int8_kernel k_int8_avx2 = {"avx2", int8_product, round_row};
#endif

}  // namespace assay::model
