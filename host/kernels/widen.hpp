// Widens floats of 8 and 16 bits to fp32, exactly, on any processor.
#pragma once

#include <bit>
#include <cstdint>

namespace assay::model {

inline float widen_bfloat(uint16_t bits) {  // the upper half of a float
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

inline float widen_half(uint16_t bits) {  // IEEE 754 binary16
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u)  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  const float value = static_cast<float>(magnitude) * 0x1p-24f;  // subnormal
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

// OCP FP8 E4M3: no infinity, NaN is 0x7f and 0xff (OCP 8-bit Floating Point 1.0, table 1).
inline float widen_e4m3(uint8_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x80u) << 24, magnitude = bits & 0x7fu;
  if (magnitude == 0x7fu) return std::bit_cast<float>(sign | 0x7fc00000u);
  // As bits of a float, the exponent is 120 too small; the factor 2^120 corrects it, exactly.
  const float value = std::bit_cast<float>(magnitude << 20) * 0x1p120f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

inline float power_of_two(uint8_t exponent) {  // 2^(exponent - 127); 255 is NaN
  if (exponent == 255) return std::bit_cast<float>(0x7fc00000u);
  if (exponent == 0) return 0x1p-127f;
  return std::bit_cast<float>(static_cast<uint32_t>(exponent) << 23);
}

}  // namespace assay::model
