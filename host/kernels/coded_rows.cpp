// Rounds with the same operations as kv_scheme's tensors, in the same order, so that stored and simulated caches are equal.
#include "kernels/coded_rows.hpp"

#include <algorithm>
#include <cmath>

#include <array>
#include <vector>

#include <c10/util/Float8_e4m3fn.h>

#include "kernels/clones.hpp"
#include "kernels/widen.hpp"

namespace assay::model {
namespace {

constexpr float k_least = 1e-12f;      // of a scale
constexpr float k_most_e4m3 = 448.0f;  // the largest E4M3

const std::array<float, 256> &e4m3_values() {
  static const std::array<float, 256> k_values = [] {
    std::array<float, 256> out{};
    for (int code = 0; code < 256; ++code)
      out[static_cast<size_t>(code)] = widen_e4m3(static_cast<uint8_t>(code));
    return out;
  }();
  return k_values;
}

void encode_floats(const float *x, int64_t d, const float *fixed, uint8_t *codes, float *scale) {
  float most = 0;
  for (int64_t i = 0; i < d; ++i) most = std::max(most, std::abs(x[i]));
  *scale = fixed != nullptr ? *fixed : std::max(most / k_most_e4m3, k_least);
  for (int64_t i = 0; i < d; ++i)
    codes[i] = c10::detail::fp8e4m3fn_from_fp32_value(
        std::clamp(x[i] / *scale, -k_most_e4m3, k_most_e4m3));
}

}  // namespace

ASSAY_CLONES void rotate_row(float *x, int64_t d) {
  for (int64_t half = 1; half < d; half *= 2)
    for (int64_t first = 0; first < d; first += 2 * half)
      for (int64_t i = first; i < first + half; ++i) {
        const float a = x[i], b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
  const float factor = 1.0f / std::sqrt(static_cast<float>(d));
  for (int64_t i = 0; i < d; ++i) x[i] *= factor;
}

int64_t row_code::bytes(int64_t d) const {
  return bits > 4 ? d : (d + 1) / 2;
}

void encode_row(const row_code &form, const float *x, int64_t d, const float *fixed, uint8_t *codes,
                float *scale, uint8_t *zero) {
  std::vector<float> turned;
  if (form.rotated) {
    turned.assign(x, x + d);
    rotate_row(turned.data(), d);
    x = turned.data();
  }
  if (form.floats) return encode_floats(x, d, fixed, codes, scale);
  float low = 0, high = 0;  // the grid contains 0
  for (int64_t i = 0; i < d; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
  const auto half = static_cast<float>(1 << (form.bits - 1));
  float least = 0, most = 2 * half - 1, middle = 0;
  if (form.symmetric) {
    least = 1, middle = half;  // codes from -(2^(bits-1) - 1)
    *scale = fixed != nullptr ? *fixed : std::max(std::max(-low, high) / (half - 1), k_least);
  } else {
    *scale = std::max((high - low) / most, k_least);
    middle = std::nearbyint(-low / *scale);
  }
  *zero = static_cast<uint8_t>(middle);
  const int64_t bytes = form.bytes(d);
  for (int64_t i = 0; i < d; ++i) {
    const float code = std::clamp(std::nearbyint(x[i] / *scale) + middle, least, most);
    const auto stored = static_cast<uint8_t>(code);
    if (i < bytes)
      codes[i] = stored;
    else  // the high half of a byte
      codes[i - bytes] = static_cast<uint8_t>(codes[i - bytes] | stored << 4);
  }
}

ASSAY_CLONES void decode_rows(const coded_rows &rows, int64_t first, int64_t count, int64_t d,
                              float *out) {
  const float *values = e4m3_values().data();
  for (int64_t row = first; row < first + count; ++row, out += d) {
    const uint8_t *codes = rows.codes + row * rows.stride;
    const float scale = rows.scales[row];
    const int zero = rows.zeros[row];
    if (rows.floats) {
      for (int64_t i = 0; i < d; ++i) out[i] = values[codes[i]] * scale;
    } else if (!rows.halves) {
      for (int64_t i = 0; i < d; ++i) out[i] = static_cast<float>(codes[i] - zero) * scale;
    } else {
      const int64_t low = std::min(rows.stride, d);
      for (int64_t i = 0; i < low; ++i) out[i] = static_cast<float>((codes[i] & 15) - zero) * scale;
      for (int64_t i = low; i < d; ++i)
        out[i] = static_cast<float>((codes[i - low] >> 4) - zero) * scale;
    }
    if (rows.rotated) rotate_row(out, d);
  }
}

}  // namespace assay::model
