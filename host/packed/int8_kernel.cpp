// Chooses an int8 kernel for this processor, and says what all of them can multiply.
#include "packed/int8_kernel.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

namespace assay::model {

// Defined in the files that are compiled for these instruction sets (CMakeLists.txt).
extern const int8_kernel k_int8_vnni, k_int8_avx2, k_int8_base;

namespace {
constexpr int64_t k_cache =
    256 << 10;  // bytes of unpacked codes that stay in the second-level cache
}

int64_t int8_panels_at_once(const packed_view &weight) {
  const int64_t pair = 2 * k_panel_rows * weight.units * k_unit_columns;  // bytes
  return 2 * std::max<int64_t>(1, k_cache / pair);
}

int64_t int8_scratch_bytes(const packed_view &weight) {
  return int8_panels_at_once(weight) * k_panel_rows * weight.units * k_unit_columns;
}

bool multiplies_int8(const packed_view &weight) {
  return !weight.is_codebook && (weight.group % k_unit_columns == 0 || weight.groups == 1);
}

const std::vector<const int8_kernel *> &int8_kernels() {
  static const std::vector<const int8_kernel *> found = [] {
    std::vector<const int8_kernel *> list;
#if defined(ASSAY_X86_KERNELS)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vnni"))
      list.push_back(&k_int8_vnni);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c"))
      list.push_back(&k_int8_avx2);
#endif
    list.push_back(&k_int8_base);
    return list;
  }();
  return found;
}

const int8_kernel &int8_kernel_here() {
  static const int8_kernel &chosen = []() -> const int8_kernel & {
    const char *wanted = std::getenv("ASSAY_KERNEL");
    if (wanted == nullptr || *wanted == '\0') return *int8_kernels().front();
    const std::string name = packed_kernel_here().name;
    for (const int8_kernel *kernel : int8_kernels())
      if (std::string(kernel->name).starts_with(name)) return *kernel;
    return *int8_kernels().back();
  }();
  return chosen;
}

}  // namespace assay::model
