// Conversions between float and the 16-bit scale types, in plain integer arithmetic.
#include "rounding.hpp"

#include <cmath>
#include <cstring>

namespace hessian {
namespace {

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

constexpr float k_float16_max = 65504.0f, k_float16_normal = 6.103515625e-05f;  // 2^-14

}  // namespace

float smallest_normal(scale_dtype dtype) {
  return dtype == scale_dtype::float16 ? k_float16_normal : 1.17549435e-38f;
}

float round_to(scale_dtype dtype, float x) {
  if (dtype == scale_dtype::float32 || !std::isfinite(x)) return x;
  const uint32_t bits = bits_of(x);
  if (dtype == scale_dtype::bfloat16)
    return float_of((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000u);
  if (std::fabs(x) < k_float16_normal) {  // subnormal: multiples of 2^-24
    const float steps = std::nearbyintf(x * 16777216.0f);
    return steps / 16777216.0f;
  }
  const float rounded = float_of((bits + 0xFFF + ((bits >> 13) & 1)) & 0xFFFFE000u);
  return std::fmin(std::fmax(rounded, -k_float16_max), k_float16_max);
}

uint16_t float16_bits(float rounded) {
  const uint32_t bits = bits_of(rounded);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const float magnitude = std::fabs(rounded);
  if (magnitude < k_float16_normal)
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(magnitude * 16777216.0f));
  const uint32_t exponent = ((bits >> 23) & 0xFF) - 112;
  return static_cast<uint16_t>(sign | (exponent << 10) | ((bits >> 13) & 0x3FF));
}

uint16_t bfloat16_bits(float rounded) {
  return static_cast<uint16_t>(bits_of(rounded) >> 16);
}

}  // namespace hessian
