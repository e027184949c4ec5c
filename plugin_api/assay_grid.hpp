// The arithmetic that integer quantizers share: 16-bit floats, scales as they are stored, groups of
// columns, grids from the range of a group. It is header-only and compiled into the plugin. A search
// for a better grid is the work of the method, not of this file.
#ifndef ASSAY_GRID_HPP
#define ASSAY_GRID_HPP

#include <assay.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace assay_grid {

// ---- rounding ----

// 1.5 * 2^23. A float of this size has no bits for a fraction. So adding this number to x and then
// subtracting it rounds x to an integer, half to even, for |x| < 2^22. Compilers vectorise this on
// every machine. They do not vectorise a call of std::nearbyint.
constexpr float k_round = 12582912.0f;

inline float round_even(float x) {
  return (x + k_round) - k_round;
}

// ---- 16-bit floats (IEEE 754 binary16; bfloat16 is the upper half of binary32) ----

// The bits of a float as an integer, and back.
inline uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// Rounds half to even. A value that rounds beyond the largest finite number becomes infinite.
inline uint16_t to_float16(float x) {
  const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u);   // NaN
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7C00u);  // 65536 and above
  if (magnitude < 0x38800000u)  // below 2^-14: adding 0.5 rounds to a multiple of 2^-24
    return static_cast<uint16_t>(sign | (bits_of(float_of(magnitude) + 0.5f) - 0x3F000000u));
  // 13 bits of the mantissa are lost. 0x38000000 is the difference of the exponent offsets, 127 - 15.
  const uint32_t rounded = magnitude + 0xFFFu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | (rounded - 0x38000000u) >> 13);
}

inline float from_float16(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, magnitude = half & 0x7FFFu;
  if (magnitude >= 0x7C00u) return float_of(sign | 0x7F800000u | magnitude << 13);
  // 112 = 127 - 15 is the difference of the exponent offsets; the product is exact.
  return float_of(sign | bits_of(float_of(magnitude << 13) * 0x1p112f));
}

// Rounds half to even. A value that rounds beyond the largest finite number becomes infinite.
inline uint16_t to_bfloat16(float x) {
  const uint32_t bits = bits_of(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);  // NaN
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

inline float from_bfloat16(uint16_t upper_half) {
  return float_of(static_cast<uint32_t>(upper_half) << 16);
}

// ---- scales as they are stored ----

enum class scale_dtype { float16, bfloat16, float32 };

// The dtype with the name that configurations use: "float16", "bfloat16", "float32". Throws failure
// for another name.
inline scale_dtype scale_dtype_of(const std::string &name) {
  if (name == "float16") return scale_dtype::float16;
  if (name == "bfloat16") return scale_dtype::bfloat16;
  if (name == "float32") return scale_dtype::float32;
  throw assay_cpp::argument_problem("no dtype of scales is called '" + name + "'");
}

inline assay_dtype tensor_dtype(scale_dtype dtype) {
  if (dtype == scale_dtype::float16) return assay_cpp::k_f16;
  if (dtype == scale_dtype::bfloat16) return assay_cpp::k_bf16;
  return assay_cpp::dtype_of<float>();
}

constexpr int scale_bits(scale_dtype dtype) {  // of one scale
  return dtype == scale_dtype::float32 ? 32 : 16;
}

constexpr float smallest_normal(scale_dtype dtype) {
  return dtype == scale_dtype::float16 ? 0x1p-14f : std::numeric_limits<float>::min();
}

constexpr float largest_finite(scale_dtype dtype) {
  if (dtype == scale_dtype::float16) return 65504.0f;
  return dtype == scale_dtype::bfloat16 ? 0x1.FEp127f : std::numeric_limits<float>::max();
}

// The value of the dtype that is nearest to x. Of two equally near values, the one whose last bit is 0.
inline float rounded_to(scale_dtype dtype, float x) {
  if (dtype == scale_dtype::float16) return from_float16(to_float16(x));
  if (dtype == scale_dtype::bfloat16) return from_bfloat16(to_bfloat16(x));
  return x;
}

struct stored_scale {
  float value = 1.0f;    // exactly what a file holds
  bool clamped = false;  // the ideal scale is too small or too large for the dtype
};

// Returns the scale that a file will hold. Choose codes with this scale, not with the ideal one. A
// scale nearer to 0 than the smallest normal number would lose digits or load as zero: it becomes
// that number. A scale that would round to infinity becomes the largest finite number. The sign stays.
// Both cases are `clamped`: count them and pass the count to tell_clamped. NaN stays NaN.
inline stored_scale store(scale_dtype dtype, float ideal) {
  const float least = smallest_normal(dtype), most = largest_finite(dtype);
  if (std::fabs(ideal) < least) return {std::copysign(least, ideal), true};
  const float rounded = rounded_to(dtype, ideal);
  if (std::fabs(rounded) > most) return {std::copysign(most, ideal), true};
  return {rounded, false};
}

// Reports to the ledger how many scales `store` has clamped; does nothing for 0.
inline void tell_clamped(const assay_cpp::host &host, uint64_t count) {
  if (count > 0)
    host.ledger("clamped_scale", count,
                "scales set to the smallest normal or the largest finite number of their dtype");
}

// Writes element i of an array of the dtype. The value must be one that the dtype holds exactly, such
// as a result of `store`.
inline void write_scale(scale_dtype dtype, void *scales, int64_t i, float value) {
  if (dtype == scale_dtype::float32)
    static_cast<float *>(scales)[i] = value;
  else
    static_cast<uint16_t *>(scales)[i] =
        dtype == scale_dtype::float16 ? to_float16(value) : to_bfloat16(value);
}

// Returns element i of a contiguous tensor of f16, bf16 or f32 on the CPU.
inline float read_scale(const assay_tensor &scales, int64_t i) {
  const char *bytes = static_cast<const char *>(scales.data) + scales.byte_offset;
  if (scales.dtype.bits == 32) return reinterpret_cast<const float *>(bytes)[i];
  const uint16_t half = reinterpret_cast<const uint16_t *>(bytes)[i];
  return scales.dtype.code == ASSAY_BFLOAT ? from_bfloat16(half) : from_float16(half);
}

// ---- groups of columns ----

// Cuts a row of `in` columns into groups that share a scale. group_size: the configured columns of a
// group; -1, or a size larger than the row, is the whole row. The last group may be short.
struct group_cut {
  group_cut(int64_t group_size, int64_t in)
      : columns(in),
        size(group_size < 0 || group_size > in ? in : group_size),
        count(size == 0 ? 0 : (in + size - 1) / size) {}
  int64_t first(int64_t group) const { return group * size; }
  int64_t length(int64_t group) const { return std::min(size, columns - first(group)); }
  // The number that a quantizer notes as "group_size" (assay/quantizer.h): 0 for the whole row.
  int64_t noted() const { return size == columns ? 0 : size; }

  int64_t columns, size, count;  // columns of the row; columns of a group; number of groups
};

// ---- integer grids: w^ = scale * (code - zero), where w^ is the dequantized weight ----

// The codes of b bits. Symmetric: -2^(b-1) .. 2^(b-1) - 1, without zero point. Asymmetric:
// 0 .. 2^b - 1.
struct code_range {
  int bits = 0;  // 2 .. 8
  bool symmetric = true;
  float low() const { return symmetric ? -static_cast<float>(1 << (bits - 1)) : 0.0f; }
  float high() const {
    return static_cast<float>(symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1);
  }
};

// The smallest and largest weight of a group.
struct weight_range {
  float low = 0, high = 0;
  bool all_zero() const { return low == 0.0f && high == 0.0f; }
  weight_range with_zero() const { return {std::min(low, 0.0f), std::max(high, 0.0f)}; }
};

// The range of n > 0 weights; at(j) gives weight j. It keeps eight minima and eight maxima, because
// compilers do not vectorise a loop with only one of each.
template <class At>
weight_range range_over(int64_t n, const At &at) {
  constexpr int64_t k_lanes = 8;
  float low[k_lanes], high[k_lanes];
  for (int64_t i = 0; i < k_lanes; ++i) low[i] = high[i] = at(0);
  for (int64_t j = 0; j + k_lanes <= n; j += k_lanes)
    for (int64_t i = 0; i < k_lanes; ++i) {
      const float x = at(j + i);
      low[i] = x < low[i] ? x : low[i];
      high[i] = x > high[i] ? x : high[i];
    }
  for (int64_t j = n - n % k_lanes; j < n; ++j) {
    low[0] = std::min(low[0], at(j));
    high[0] = std::max(high[0], at(j));
  }
  return {*std::min_element(low, low + k_lanes), *std::max_element(high, high + k_lanes)};
}

// The range of n > 0 weights that lie side by side, or `stride` floats apart.
inline weight_range range_of(const float *w, int64_t n) {
  return range_over(n, [w](int64_t j) { return w[j]; });
}
inline weight_range range_of(const float *w, int64_t n, int64_t stride) {
  return range_over(n, [w, stride](int64_t j) { return w[j * stride]; });
}

// The scale of a symmetric grid that uses all codes. Of `low` and `high`, the one of larger magnitude
// gets the code -2^(bits-1); `low` does if both magnitudes are equal. So the scale is negative where
// `high` gets this code. T, the precision of the division, is float or double. It must hold that
// low <= 0 <= high.
template <class T>
T symmetric_scale(T low, T high, int bits) {
  const T extreme = -low >= high ? low : high;
  return -extreme / static_cast<T>(1 << (bits - 1));
}

// The scale of an asymmetric grid. If the zero point is to be a code, it must hold that
// low <= 0 <= high.
template <class T>
T asymmetric_scale(T low, T high, int bits) {
  return (high - low) / static_cast<T>((1 << bits) - 1);
}

// The code of the weight 0 on an asymmetric grid. scale: the stored scale. low must be at most 0.
inline float zero_point(float low, float scale, int bits) {
  return std::clamp(round_even(-low / scale), 0.0f, static_cast<float>((1 << bits) - 1));
}

}  // namespace assay_grid

#endif
