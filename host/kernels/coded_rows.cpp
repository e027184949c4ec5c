// Rounds with the same operations as kv_scheme's tensors, in the same order, so that stored and simulated caches are equal.
#include "kernels/coded_rows.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/clones.hpp"

namespace assay::model {
namespace {

constexpr float k_least = 1e-12f;  // of a scale

}  // namespace

int64_t row_code::bytes(int64_t d) const {
  return bits > 4 ? d : (d + 1) / 2;
}

void encode_row(const row_code &form, const float *x, int64_t d, uint8_t *codes, float *scale,
                uint8_t *zero) {
  float low = 0, high = 0;  // the grid contains 0
  for (int64_t i = 0; i < d; ++i) low = std::min(low, x[i]), high = std::max(high, x[i]);
  const auto half = static_cast<float>(1 << (form.bits - 1));
  float least = 0, most = 2 * half - 1, middle = 0;
  if (form.symmetric) {
    least = 1, middle = half;  // codes from -(2^(bits-1) - 1)
    *scale = std::max(std::max(-low, high) / (half - 1), k_least);
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
  for (int64_t row = first; row < first + count; ++row, out += d) {
    const uint8_t *codes = rows.codes + row * rows.stride;
    const float scale = rows.scales[row];
    const int zero = rows.zeros[row];
    if (!rows.halves) {
      for (int64_t i = 0; i < d; ++i) out[i] = static_cast<float>(codes[i] - zero) * scale;
      continue;
    }
    const int64_t low = std::min(rows.stride, d);
    for (int64_t i = 0; i < low; ++i) out[i] = static_cast<float>((codes[i] & 15) - zero) * scale;
    for (int64_t i = low; i < d; ++i)
      out[i] = static_cast<float>((codes[i - low] >> 4) - zero) * scale;
  }
}

}  // namespace assay::model
