// float16 by bits, and the checks that every row goes through.
#include "common.hpp"

#include <bit>
#include <cmath>

namespace data_free {

uint16_t to_half(float x) {
  const uint32_t u = std::bit_cast<uint32_t>(x), sign = (u >> 16) & 0x8000u,
                 magnitude = u & 0x7fffffffu;
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65536 and above
  if (magnitude < 0x38800000u)  // below 2^-14: adding 0.5 aligns the last bits
    return static_cast<uint16_t>(
        sign | (std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000u));
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

float from_half(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude << 13));
  return std::bit_cast<float>(
      sign | std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1p112f));
}

float stored_scale(float ideal, int64_t row, int64_t group, bool &raised) {
  raised = ideal < k_smallest_half;
  const float stored = from_half(to_half(raised ? k_smallest_half : ideal));
  if (!std::isfinite(stored))
    throw assay_cpp::failure(ASSAY_NUMERICAL, "the scale of row " + std::to_string(row) +
                                                  ", group " + std::to_string(group) +
                                                  " overflows float16");
  return stored;
}

}  // namespace data_free
