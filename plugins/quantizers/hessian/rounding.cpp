// Conversions between float and the 16-bit scale types, in plain integer arithmetic.
#include "rounding.hpp"

#include <bit>
#include <cmath>

namespace hessian {
namespace {

constexpr float k_float16_max = 65504.0f, k_float16_normal = 6.103515625e-05f;  // 2^-14

}  // namespace

float smallest_normal(scale_dtype dtype) {
  return dtype == scale_dtype::float16 ? k_float16_normal : 1.17549435e-38f;
}

bool overflows(scale_dtype dtype, float x) {
  // 65520 is half a step above the largest float16, and rounds away from it.
  return !std::isfinite(round_to(dtype, x)) ||
         (dtype == scale_dtype::float16 && std::fabs(x) >= 65520.0f);
}

float round_to(scale_dtype dtype, float x) {
  if (dtype == scale_dtype::float32 || !std::isfinite(x)) return x;
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (dtype == scale_dtype::bfloat16)
    return std::bit_cast<float>((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000u);
  if (std::fabs(x) < k_float16_normal) {  // subnormal: multiples of 2^-24
    const float steps = std::nearbyintf(x * 16777216.0f);
    return steps / 16777216.0f;
  }
  const float rounded = std::bit_cast<float>((bits + 0xFFF + ((bits >> 13) & 1)) & 0xFFFFE000u);
  return std::fmin(std::fmax(rounded, -k_float16_max), k_float16_max);
}

uint16_t float16_bits(float rounded) {
  const uint32_t bits = std::bit_cast<uint32_t>(rounded);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const float magnitude = std::fabs(rounded);
  if (magnitude < k_float16_normal)
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(magnitude * 16777216.0f));
  const uint32_t exponent = ((bits >> 23) & 0xFF) - 112;
  return static_cast<uint16_t>(sign | (exponent << 10) | ((bits >> 13) & 0x3FF));
}

uint16_t bfloat16_bits(float rounded) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(rounded) >> 16);
}

}  // namespace hessian
