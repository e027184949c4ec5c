// Checks the values of a linear as it is stored: damaged files are refused before a model runs on them.
#include <cmath>

#include "checkpoint/quantized_source.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace {

[[noreturn]] void refuse(const std::string &what, const std::string &where,
                         const std::string &module) {
  throw error(error_kind::failed, what)
      .at(where)
      .layer(module)
      .hint("The file is damaged or was quantized from broken weights; quantize it again");
}

// Whether a float8 tensor has an element without a finite value. Its bytes say so: E4M3 without
// infinities has one such exponent and mantissa (Micikevicius et al., "FP8 formats for deep learning",
// table 1), E5M2 one exponent.
bool has_broken_float(const at::Tensor &codes) {
  const bool e4m3 = codes.scalar_type() == at::kFloat8_e4m3fn;
  const int64_t mask = e4m3 ? 0x7f : 0x7c;
  const at::Tensor bytes = codes.contiguous().view(at::kByte);
  return bytes.bitwise_and(mask).eq(mask).any().item<bool>();
}

}  // namespace

void stored_linear::require_values(const std::string &where) const {
  if (!scales.to(at::kFloat).isfinite().all().item<bool>())
    refuse("a scale is infinite or not a number", where, name);
  if (scale_divisor.defined()) {
    const float divisor = scale_divisor.item<float>();
    if (!std::isfinite(divisor) || divisor == 0)
      refuse("the global scale is zero, infinite or not a number", where, name);
  }
  if (codes.is_meta()) return;
  if (codes.scalar_type() == at::kFloat8_e4m3fn || codes.scalar_type() == at::kFloat8_e5m2) {
    if (has_broken_float(codes)) refuse("a code is infinite or not a number", where, name);
  } else if (codes.scalar_type() == at::kChar && bits < 8) {
    const int64_t limit = int64_t{1} << (bits - 1);
    if (codes.lt(-limit).logical_or(codes.ge(limit)).any().item<bool>())
      refuse("a code lies outside those of " + std::to_string(bits) + " bits", where, name);
  }
}

at::Tensor shape_only(int64_t rows, int64_t columns, at::ScalarType dtype) {
  return at::empty({rows, columns}, at::TensorOptions().dtype(dtype).device(at::kMeta));
}

int64_t stored_linear::zero_scales() const {
  return scales.numel() - scales.to(at::kFloat).count_nonzero().item<int64_t>();
}

}  // namespace assay::model
