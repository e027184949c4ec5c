// The tile kernel for AVX-512 (vectors of 16); nothing on other machines.
#include "kernels/attention_tile_body.hpp"

namespace assay::model {

#if defined(__AVX512F__)
extern const attention_kernel k_attention_avx512;
const attention_kernel k_attention_avx512 = kernel_of("avx512");
#endif

}  // namespace assay::model
