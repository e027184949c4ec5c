// Chooses a kernel table for this processor.
#include "packed/packed_kernel.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace assay::model {

// Defined in the files that are compiled for these instruction sets (CMakeLists.txt).
extern const packed_kernel k_packed_avx512, k_packed_avx2, k_packed_base;

namespace {
// Bytes of unpacked weights that stay in the second-level cache
constexpr int64_t k_cache = 512 << 10;
}  // namespace

packed_view view_of(const packed_matrix &matrix) {
  packed_view out{};
  out.codes = reinterpret_cast<const uint32_t *>(matrix.codes.data());
  out.scales = matrix.scales.data();
  out.minima = matrix.minima.data();
  out.super_scales = matrix.super_scales.data();
  out.super_minima = matrix.super_minima.data();
  out.values = matrix.values.data();
  out.rows = matrix.rows;
  out.columns = matrix.columns;
  out.units = matrix.units();
  out.groups = matrix.groups;
  out.group = matrix.group;
  out.super = matrix.super;
  out.supers = matrix.supers();
  out.bits = matrix.bits;
  out.is_codebook = !matrix.codebook.empty();
  out.is_e4m3 = matrix.is_e4m3;
  out.shift = matrix.shift;
  out.outer = matrix.outer;
  out.scale_type = matrix.scale_type;
  out.minimum_type = matrix.minimum_type;
  return out;
}

int64_t panels_at_once(const packed_view &weight) {
  const int64_t pair = 2 * k_panel_rows * weight.units * k_unit_columns * 4;  // bytes
  return 2 * std::max<int64_t>(1, k_cache / pair);
}

int64_t scratch_floats(const packed_view &weight) {
  return panels_at_once(weight) * k_panel_rows * weight.units * k_unit_columns;
}

const std::vector<const packed_kernel *> &packed_kernels() {
  static const std::vector<const packed_kernel *> found = [] {
    std::vector<const packed_kernel *> list;
#if defined(ASSAY_X86_KERNELS)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
      list.push_back(&k_packed_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("f16c"))
      list.push_back(&k_packed_avx2);
#endif
    list.push_back(&k_packed_base);
    return list;
  }();
  return found;
}

const packed_kernel &packed_kernel_here() {
  static const packed_kernel &chosen = []() -> const packed_kernel & {
    const char *wanted = std::getenv("ASSAY_KERNEL");
    if (wanted == nullptr || *wanted == '\0') return *packed_kernels().front();
    std::string names;
    for (const packed_kernel *kernel : packed_kernels()) {
      if (std::string(wanted) == kernel->name) return *kernel;
      names += (names.empty() ? "" : ", ") + std::string(kernel->name);
    }
    throw error(error_kind::usage,
                "ASSAY_KERNEL=" + std::string(wanted) + " does not run on this processor")
        .hint("It runs " + names);
  }();
  return chosen;
}

}  // namespace assay::model
