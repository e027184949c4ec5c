// Reads the parts of a packed matrix into vectors of rows: factors of a group, and values of
// codes. packed_matrix.hpp explains the parts: panel, unit, factor, minimum, outer. This file is
// compiled once for each instruction set (packed_body.hpp includes it), hence the unnamed namespace.
//
// A vector is as wide as the registers of the instruction set, because g++ keeps wider ones in memory. So the
// 16 rows of a panel are one vector with AVX-512, two with AVX2, and four elsewhere; a *strip* is one of them.
#pragma once

#include <cstdint>
#include <utility>

#include "packed/packed_kernel.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace assay::model {
namespace {

#if defined(__AVX512F__)
constexpr int64_t k_lanes = 16;
#elif defined(__AVX2__)
constexpr int64_t k_lanes = 8;
#else
constexpr int64_t k_lanes = 4;
#endif
constexpr int64_t k_strips = k_panel_rows / k_lanes;

typedef float floats __attribute__((vector_size(4 * k_lanes)));
typedef uint32_t words __attribute__((vector_size(4 * k_lanes)));
typedef int32_t integers __attribute__((vector_size(4 * k_lanes)));
typedef float floats_anywhere __attribute__((vector_size(4 * k_lanes), aligned(4)));
typedef uint16_t halves __attribute__((vector_size(2 * k_lanes), aligned(2)));
typedef uint8_t bytes __attribute__((vector_size(k_lanes), aligned(1)));
typedef int8_t signed_bytes __attribute__((vector_size(k_lanes), aligned(1)));

inline floats load(const float *from) {
  return *reinterpret_cast<const floats_anywhere *>(from);
}
inline void store(float *to, floats value) {
  *reinterpret_cast<floats_anywhere *>(to) = value;
}

inline floats as_floats(words bits) {
  return reinterpret_cast<floats>(bits);
}

// The values of E4M3 codes, whose bits above the eighth may be anything; NaN is 480 here.
inline floats e4m3_values(words bits) {
  // Read as fp32, the shifted bits are the number times 2^-120, for subnormals as well.
  const floats size = as_floats((bits & 0x7fu) << 20) * 0x1p120f;
  return as_floats(reinterpret_cast<words>(size) | (bits & 0x80u) << 24);
}

// --- factors of a strip ---

inline floats widened_halves(const uint8_t *from) {
#if defined(__AVX512F__)
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from)));
#elif defined(__AVX2__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from)));
#else
  const words bits = __builtin_convertvector(*reinterpret_cast<const halves *>(from), words);
  const words sign = (bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  // Read as fp32, the shifted bits are the number times 2^-112, for subnormals as well.
  const floats value = as_floats(magnitude << 13) * 0x1p112f;
  const words beyond = reinterpret_cast<words>(magnitude >= 0x7c00u);  // infinity, NaN
  const words wide = (reinterpret_cast<words>(value) & ~beyond) |
                     ((0x7f800000u | (magnitude & 0x3ffu) << 13) & beyond);
  return as_floats(sign | wide);
#endif
}

inline floats widened_bytes(const uint8_t *from) {
  return __builtin_convertvector(*reinterpret_cast<const bytes *>(from), floats);
}

// Returns the factors of a strip. place: the index of the first of them in `factors`. super_place: the index
// of the first of their super-block factors in `supers`, which only step_u8 and step_i8 use. A super-block is
// some neighbouring groups of a row.
inline floats factor(factor_type type, const uint8_t *factors, const uint8_t *supers, int64_t place,
                     int64_t super_place) {
  switch (type) {
    case factor_type::f32:
      return load(reinterpret_cast<const float *>(factors) + place);
    case factor_type::f16:
      return widened_halves(factors + 2 * place);
    case factor_type::bf16: {
      const auto *at = reinterpret_cast<const halves *>(factors + 2 * place);
      return as_floats(__builtin_convertvector(*at, words) << 16);
    }
    case factor_type::e8m0: {
      const auto *at = reinterpret_cast<const bytes *>(factors + place);
      const words exponent = __builtin_convertvector(*at, words);
      // Exponent 0 is 2^-127, which has no exponent bits in fp32.
      const words none = reinterpret_cast<words>(exponent == 0u);
      return as_floats(exponent << 23 | (none & 0x00400000u));
    }
    case factor_type::e4m3: {
      const auto *at = reinterpret_cast<const bytes *>(factors + place);
      return e4m3_values(__builtin_convertvector(*at, words));
    }
    case factor_type::step_u8:
      return widened_halves(supers + 2 * super_place) * widened_bytes(factors + place);
    case factor_type::step_i8:
      return widened_halves(supers + 2 * super_place) *
             __builtin_convertvector(*reinterpret_cast<const signed_bytes *>(factors + place),
                                     floats);
    case factor_type::zero_u8:
      return widened_bytes(factors + place);
    case factor_type::none:
      break;
  }
  return floats{};
}

struct group_factors {
  floats scale;    // without `outer`
  floats zero;     // subtracted from each value before the scale
  floats minimum;  // added to each weight
};

__attribute__((noinline)) group_factors any_factors_of(const packed_view &w, int64_t panel,
                                                       int64_t strip, int64_t group) {
  const int64_t place = (panel * w.groups + group) * k_panel_rows + strip * k_lanes;
  const int64_t super_place =
      w.super > 0 ? (panel * w.supers + group / w.super) * k_panel_rows + strip * k_lanes : 0;
  group_factors out = {factor(w.scale_type, w.scales, w.super_scales, place, super_place), {}, {}};
  if (w.minimum_type == factor_type::none) return out;
  const floats minimum = factor(w.minimum_type, w.minima, w.super_minima, place, super_place);
  if (w.minimum_type == factor_type::zero_u8)
    out.zero = minimum + w.shift;
  else
    out.minimum = w.minimum_type == factor_type::step_u8 ? -minimum : minimum;
  return out;
}

// Does the same as any_factors_of(), but the most frequent kinds need no call. With groups of 32, the calls
// would take a fifth of the whole time.
inline group_factors factors_of(const packed_view &w, int64_t panel, int64_t strip, int64_t group) {
  if (w.scale_type != factor_type::f16 || w.minimum_type > factor_type::f16 ||
      w.minimum_type == factor_type::f32)
    return any_factors_of(w, panel, strip, group);
  const int64_t place = (panel * w.groups + group) * k_panel_rows + strip * k_lanes;
  group_factors out = {};
  out.scale = widened_halves(w.scales + 2 * place);
  if (w.minimum_type == factor_type::f16) out.minimum = widened_halves(w.minima + 2 * place);
  return out;
}

// --- values of codes ---

// Returns code i of a unit for the rows of a strip, one in each lane. unit: the strip's first word. The bits above
// the code are not cleared: they are those of the next codes.
template <int Bits>
inline words code(const words *unit, int i) {
  const int bit = i * Bits, word = bit / 32, shift = bit % 32;
  const words *at = unit + word * k_strips;
  if (shift == 0) return at[0];
  if (shift + Bits > 32) return at[0] >> shift | at[k_strips] << (32 - shift);
  return at[0] >> shift;
}

// Returns whether code i is converted to a float without a shift. Code i begins at bit `place` of
// its word, so the float is code * 2^place. This float is exact, because a code has few bits. The factor
// 2^place is divided out of the activation, once for all rows. A code that lies in two words must be
// shifted, and so must one that has the sign bit of the word, if the conversion is signed.
template <int Bits>
constexpr bool stays_in_place(int i) {
#if defined(__AVX512F__)
  constexpr int k_end = 32;
#else
  constexpr int k_end = 31;
#endif
  return i * Bits % 32 + Bits <= k_end;
}

// Returns the factor of the activation for code i: 2^-place, or 1 if the code is shifted.
template <int Bits>
inline float factor_of_place(int i) {
  const int place = stays_in_place<Bits>(i) ? i * Bits % 32 : 0;
  return 1.0f / static_cast<float>(1u << place);
}

// Returns code i in each lane as a float, times 2^place if the code is not shifted.
template <int Bits>
inline floats number_in_place(const words *unit, int i) {
  const uint32_t mask = (1u << Bits) - 1;
  if (!stays_in_place<Bits>(i))
    return __builtin_convertvector(reinterpret_cast<integers>(code<Bits>(unit, i) & mask), floats);
  const words kept = unit[i * Bits / 32 * k_strips] & (mask << i * Bits % 32);
#if defined(__AVX512F__)
  return __builtin_convertvector(kept, floats);  // unsigned: one instruction here
#else
  return __builtin_convertvector(reinterpret_cast<integers>(kept), floats);
#endif
}

// How a code becomes its value.
// - table: by a look-up in packed_view::values. Used for codebooks and, with AVX-512, for all codes of
//   up to 5 bits, because one instruction then looks up all 16 lanes.
// - integer: as a number. packed_view::shift, the same for all codes, is added once for each group.
// - e4m3: from the bits of an 8-bit float. A look-up in 256 values takes several times as long.
enum class look_up { table, integer, e4m3 };

template <int Bits, look_up How>
struct values {
  explicit values([[maybe_unused]] const packed_view &w) : table(w.values) {
#if defined(__AVX512F__)
    if constexpr (How == look_up::table && Bits <= 5) low = _mm512_loadu_ps(w.values);
    if constexpr (How == look_up::table && Bits == 5) high = _mm512_loadu_ps(w.values + 16);
    if constexpr (How == look_up::table && Bits == 2)
      high = _mm512_permutexvar_ps(
          _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), low);
#elif defined(__AVX2__)
    if constexpr (How == look_up::table && Bits == 4) {
      low = _mm256_loadu_ps(w.values);
      high = _mm256_loadu_ps(w.values + 8);
    }
#endif
  }

  // The values of code i of a unit. A look-up takes the low four bits of a word, which hold two codes of 2 bits: where one of
  // two codes was shifted there, the other one is found in a second table (`high`) without a shift.
  inline floats of(const words *unit, int i) const {
#if defined(__AVX512F__)
    if constexpr (How == look_up::table && Bits == 2)
      if (i % 2 == 1)
        return _mm512_permutexvar_ps(reinterpret_cast<__m512i>(code<Bits>(unit, i - 1)), high);
#endif
    return (*this)(code<Bits>(unit, i));
  }

  inline floats operator()(words at) const {
    if constexpr (How == look_up::integer)
      return __builtin_convertvector(
          reinterpret_cast<integers>(at & static_cast<uint32_t>((1 << Bits) - 1)), floats);
    if constexpr (How == look_up::e4m3) return e4m3_values(at);
#if defined(__AVX512F__)
    if constexpr (Bits == 5)
      return _mm512_permutex2var_ps(low, reinterpret_cast<__m512i>(at), high);
    else if constexpr (Bits < 5)
      return _mm512_permutexvar_ps(reinterpret_cast<__m512i>(at), low);
    else
      return _mm512_i32gather_ps(
          reinterpret_cast<__m512i>(at & static_cast<uint32_t>((1 << Bits) - 1)), table, 4);
#elif defined(__AVX2__)
    if constexpr (Bits ==
                  4) {  // 8 of the 16 values by the low three bits, twice; then bit 3 chooses
      const __m256i place = reinterpret_cast<__m256i>(at);
      return _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, place),
                              _mm256_permutevar8x32_ps(high, place),
                              _mm256_castsi256_ps(_mm256_slli_epi32(place, 28)));
    }
    return _mm256_i32gather_ps(
        table, reinterpret_cast<__m256i>(at & static_cast<uint32_t>((1 << Bits) - 1)), 4);
#else
    floats out;
    for (int lane = 0; lane < k_lanes; ++lane) out[lane] = table[at[lane] & ((1 << Bits) - 1)];
    return out;
#endif
  }

  const float *table;
#if defined(__AVX512F__)
  __m512 low, high;
#elif defined(__AVX2__)
  __m256 low, high;
#endif
};

// Calls body(i, i % Step) for 16 codes of a unit, beginning with i = First. With AVX-512 the body
// is compiled once for each i, so that shifts are constants. Elsewhere it is in a loop, because that
// compiles ten times as fast.
#if defined(__AVX512F__)
template <int First, int Step, typename Body, int... I>
inline void for_each_code(const Body &body, std::integer_sequence<int, I...>) {
  (body(First + I, I % Step), ...);
}
template <int First, int Step, typename Body>
inline void for_codes(const Body &body) {
  for_each_code<First, Step>(body, std::make_integer_sequence<int, 16>{});
}
#else
template <int First, int Step, typename Body>
inline void for_codes(const Body &body) {
  for (int i = First; i < First + 16; i += Step)
#pragma GCC unroll 4
    for (int j = 0; j < Step; ++j) body(i + j, j);
}
#endif

}  // namespace
}  // namespace assay::model
