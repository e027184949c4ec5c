// The tile kernel for AVX2 and FMA (vectors of 8); nothing on other machines.
#include "kernels/attention_tile_body.hpp"

namespace assay::model {

#if defined(__AVX2__)
extern const attention_kernel k_attention_avx2;
const attention_kernel k_attention_avx2 = kernel_of("avx2");
#endif

}  // namespace assay::model
