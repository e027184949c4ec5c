// The tile kernel for any machine (vectors of 4), and the choice among the compiled ones.
#include "kernels/attention_tile.hpp"

#include "kernels/attention_tile_body.hpp"

namespace assay::model {

// Defined in the files that are compiled for these instruction sets (CMakeLists.txt).
extern const attention_kernel k_attention_avx512, k_attention_avx2;

namespace {

constexpr attention_kernel k_attention_base = kernel_of("base");

struct kernel_list {
  const attention_kernel *kernels[3] = {};
  int64_t n = 0;
};

kernel_list supported() {
  kernel_list list;
#if defined(ASSAY_X86_KERNELS)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) list.kernels[list.n++] = &k_attention_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    list.kernels[list.n++] = &k_attention_avx2;
#endif
  list.kernels[list.n++] = &k_attention_base;
  return list;
}

const kernel_list &kernels_here() {
  static const kernel_list list = supported();
  return list;
}

}  // namespace

const attention_kernel &best_attention_kernel() {
  return *kernels_here().kernels[0];
}

int64_t n_attention_kernels() {
  return kernels_here().n;
}

const attention_kernel &attention_kernel_at(int64_t index) {
  return *kernels_here().kernels[index];
}

}  // namespace assay::model
