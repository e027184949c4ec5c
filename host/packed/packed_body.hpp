// Holds the loops of all packed kernels. It is compiled once for each instruction set
// (packed_base.cpp, packed_avx2.cpp, packed_avx512.cpp). Everything is in an unnamed namespace, so that
// the compiled copies stay apart.
//
// A vector holds one column of some rows. To turn a code into its value costs a shift and a look-up, or
// a mask and a conversion to float (packed_vectors.hpp). One multiply-add follows.
#pragma once

#include "packed/packed_vectors.hpp"

namespace assay::model {
namespace {

// --- few tokens ---

constexpr int64_t k_ahead = 1024;  // codes are prefetched this many bytes before they are used

// Multiplies one panel with Tokens tokens. x: [columns, Tokens] and sums: [groups, Tokens], as `arrange`
// writes them. `step` adds the products of one column; `flush` applies the factors of a group to its
// sums. A group of 16 columns is half a unit, so such groups are flushed twice in each unit.
template <int Bits, look_up How, int Tokens>
void strip_product(const packed_view &w, const float *x, const float *sums, int64_t panel,
                   int64_t strip, float *out, int64_t out_stride) {
  // Several independent sums, because a multiply-add into the same sum would wait four cycles.
  constexpr int k_sums = Tokens == 1 ? 4 : Tokens == 8 ? 1 : 2;
  const values<Bits, How> value(w);
  const auto *unit =
      reinterpret_cast<const words *>(w.codes) + panel * w.units * Bits * k_strips + strip;
  const bool halves_of_unit = w.group == 16;
  const int64_t units_of_group = halves_of_unit         ? 1
                                 : w.group == w.columns ? w.units
                                                        : w.group / k_unit_columns;
  const float shift = How == look_up::integer ? w.shift : 0.0f;
  floats total[Tokens] = {};
  floats sum[Tokens][k_sums] = {};

  const auto flush = [&](int64_t group) {
    const group_factors f = factors_of(w, panel, strip, group);
#pragma GCC unroll 8
    for (int t = 0; t < Tokens; ++t) {
      floats s = sum[t][0];
#pragma GCC unroll 4
      for (int i = 1; i < k_sums; ++i) s += sum[t][i];
#pragma GCC unroll 4
      for (int i = 0; i < k_sums; ++i) sum[t][i] = floats{};
      const float of_x = sums[group * Tokens + t];
      if (w.minimum_type == factor_type::zero_u8)
        s -= (f.zero - shift) * of_x;
      else if (shift != 0)
        s += shift * of_x;
      total[t] += f.scale * s;
      if (w.minimum_type != factor_type::none) total[t] += f.minimum * of_x;
    }
  };
  const auto step = [&](int i, int j) __attribute__((always_inline)) {
    const floats v = How == look_up::integer ? number_in_place<Bits>(unit, i) : value.of(unit, i);
#pragma GCC unroll 8
    for (int t = 0; t < Tokens; ++t) sum[t][j] += v * x[i * Tokens + t];
  };
  for (int64_t group = 0; group < w.groups; ++group) {
    for (int64_t u = 0; u < units_of_group; ++u) {
      __builtin_prefetch(reinterpret_cast<const char *>(unit) + k_ahead);
      if constexpr (Bits > 2)
        __builtin_prefetch(reinterpret_cast<const char *>(unit) + k_ahead + 128);
      for_codes<0, k_sums>(step);
      if (halves_of_unit) {
        flush(group);
        if (++group == w.groups) break;
      }
      for_codes<16, k_sums>(step);
      unit += Bits * k_strips;
      x += k_unit_columns * Tokens;
    }
    if (group < w.groups) flush(group);
  }
#pragma GCC unroll 8
  for (int t = 0; t < Tokens; ++t)
    store(out + t * out_stride + panel * k_panel_rows + strip * k_lanes, total[t] * w.outer);
}

// The strips of a panel, one after the other: the codes are in the first-level cache after the first strip.
template <int Bits, look_up How, int Tokens>
void panel_product(const packed_view &w, const float *x, const float *sums, int64_t panel,
                   float *out, int64_t out_stride) {
  for (int64_t strip = 0; strip < k_strips; ++strip)
    strip_product<Bits, How, Tokens>(w, x, sums, panel, strip, out, out_stride);
}

#if defined(__AVX512F__)
constexpr int64_t k_most_tokens = 8;  // the sums of so many tokens fit into the registers
#else
constexpr int64_t k_most_tokens = 4;
#endif

// Calls run(token, count) with counts that panel_product is compiled for: k_most_tokens, .., 2, 1.
template <typename Run>
inline void in_chunks(int64_t tokens, Run &&run) {
  int64_t token = 0;
  for (int64_t count = k_most_tokens; count > 0; count /= 2)
    for (; token + count <= tokens; token += count) run(token, count);
}

template <int Bits, look_up How>
void panels_product(const packed_view &w, const packed_input &in, int64_t first, int64_t last,
                    float *out, int64_t out_stride) {
  for (int64_t panel = first; panel < last; ++panel)
    in_chunks(in.tokens, [&](int64_t token, int64_t count) {
      const float *x = in.x + token * w.units * k_unit_columns, *sums = in.sums + token * w.groups;
      float *to = out + token * out_stride;
      if (count == 1) return panel_product<Bits, How, 1>(w, x, sums, panel, to, out_stride);
      if (count == 2) return panel_product<Bits, How, 2>(w, x, sums, panel, to, out_stride);
      if (count == 4) return panel_product<Bits, How, 4>(w, x, sums, panel, to, out_stride);
#if defined(__AVX512F__)
      panel_product<Bits, How, 8>(w, x, sums, panel, to, out_stride);
#endif
    });
}

// --- many tokens ---

// Unpacks one panel to fp32: column c of its 16 rows goes to `to` + c * stride.
template <int Bits, look_up How>
void unpack_strip(const packed_view &w, int64_t panel, int64_t strip, float *to, int64_t stride) {
  const values<Bits, How> value(w);
  const auto *unit =
      reinterpret_cast<const words *>(w.codes) + panel * w.units * Bits * k_strips + strip;
  const bool has_minima =
      w.minimum_type != factor_type::none && w.minimum_type != factor_type::zero_u8;
  for (int64_t u = 0; u < w.units; ++u, unit += Bits * k_strips, to += k_unit_columns * stride) {
    group_factors f;
    const auto take = [&](int64_t column) {
      f = factors_of(w, panel, strip,
                     column / w.group < w.groups ? column / w.group : w.groups - 1);
      f.scale *= w.outer;
      if constexpr (How == look_up::integer) f.zero -= w.shift;
    };
    const auto step = [&](int i, int) __attribute__((always_inline)) {
      const floats weight = f.scale * (value.of(unit, i) - f.zero);
      store(to + i * stride, has_minima ? weight + f.minimum * w.outer : weight);
    };
    take(u * k_unit_columns);
    for_codes<0, 1>(step);
    if (w.group == 16) take(u * k_unit_columns + 16);
    for_codes<16, 1>(step);
  }
}

template <int Bits, look_up How>
void unpack_panel(const packed_view &w, int64_t panel, float *to, int64_t stride) {
  for (int64_t strip = 0; strip < k_strips; ++strip)
    unpack_strip<Bits, How>(w, panel, strip, to + strip * k_lanes, stride);
}

constexpr int64_t k_pair_rows = 2 * k_panel_rows;  // unpacked panels lie in pairs
// The tile of a product: so many vectors of rows, and at most k_wide tokens. Its sums fill most registers.
#if defined(__AVX512F__)
constexpr int64_t k_vectors = 2;                        // the two panels of a pair
constexpr int k_wide = 12, k_middle = 8, k_narrow = 4;  // 24 of 32 registers
#elif defined(__AVX2__)
constexpr int64_t k_vectors = 2;                       // one panel
constexpr int k_wide = 6, k_middle = 4, k_narrow = 2;  // 12 of 16 registers
#else
constexpr int64_t k_vectors = 4;                       // one panel
constexpr int k_wide = 2, k_middle = 2, k_narrow = 2;  // 8 of 16 registers
#endif

// out [Tokens, rows of the tile] = x of one tile [columns, k_tile_tokens] times weights. The columns of the weights are
// k_pair_rows floats apart.
template <int Tokens>
void tile_product(const float *x, const float *weights, int64_t columns, float *out,
                  int64_t out_stride, int64_t vectors) {
  floats sum[Tokens][k_vectors] = {};
  for (int64_t c = 0; c < columns; ++c, x += k_tile_tokens, weights += k_pair_rows) {
    floats row[k_vectors];
#pragma GCC unroll 4
    for (int v = 0; v < k_vectors; ++v) row[v] = load(weights + v * k_lanes);
#pragma GCC unroll 12
    for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 4
      for (int v = 0; v < k_vectors; ++v) sum[t][v] += row[v] * x[t];
  }
#pragma GCC unroll 12
  for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < k_vectors; ++v)
      if (v < vectors) store(out + t * out_stride + v * k_lanes, sum[t][v]);
}

inline void any_tile(const float *x, const float *weights, int64_t columns, int64_t tokens,
                     float *out, int64_t out_stride, int64_t vectors) {
  int64_t token = 0;
  while (token < tokens) {
    const int64_t left = tokens - token;
    float *to = out + token * out_stride;
    if (left >= k_wide) {
      tile_product<k_wide>(x + token, weights, columns, to, out_stride, vectors);
      token += k_wide;
    } else if (left >= k_middle) {
      tile_product<k_middle>(x + token, weights, columns, to, out_stride, vectors);
      token += k_middle;
    } else if (left >= k_narrow) {
      tile_product<k_narrow>(x + token, weights, columns, to, out_stride, vectors);
      token += k_narrow;
    } else {
      tile_product<1>(x + token, weights, columns, to, out_stride, vectors);
      ++token;
    }
  }
}

// Unpacks as many panels as fit into the scratch, multiplies all tokens with them, and goes on with the next panels.

// The rows of a pair of unpacked panels, or of its first panel alone.
inline void pair_tiles(const float *x, const float *weights, int64_t columns, int64_t tokens,
                       float *out, int64_t out_stride, bool both) {
  const int64_t all = both ? 2 * k_strips : k_strips;  // vectors
  for (int64_t v = 0; v < all; v += k_vectors)
    any_tile(x, weights + v * k_lanes, columns, tokens, out + v * k_lanes, out_stride,
             all - v < k_vectors ? all - v : k_vectors);
}

template <int Bits, look_up How>
void panels_many(const packed_view &w, const packed_input &in, int64_t first, int64_t last,
                 float *scratch, float *out, int64_t out_stride) {
  const int64_t columns = w.units * k_unit_columns, at_once = panels_at_once(w);
  const int64_t tiles = (in.tokens + k_tile_tokens - 1) / k_tile_tokens;
  for (int64_t begin = first; begin < last; begin += at_once) {
    const int64_t end = begin + at_once < last ? begin + at_once : last;
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t i = panel - begin;
      unpack_panel<Bits, How>(
          w, panel, scratch + i / 2 * columns * k_pair_rows + i % 2 * k_panel_rows, k_pair_rows);
    }
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t token = tile * k_tile_tokens;
      const int64_t tokens = in.tokens - token < k_tile_tokens ? in.tokens - token : k_tile_tokens;
      for (int64_t panel = begin; panel < end; panel += 2)
        pair_tiles(in.x + tile * columns * k_tile_tokens,
                   scratch + (panel - begin) / 2 * columns * k_pair_rows, columns, tokens,
                   out + token * out_stride + panel * k_panel_rows, out_stride, panel + 1 < end);
    }
  }
}

// --- the table ---

// Calls run with this matrix's number of bits and kind of look-up as compile-time constants.
template <typename Run>
inline void with_bits(const packed_view &w, Run &&run) {
  using std::integral_constant;
  const auto integer = integral_constant<look_up, look_up::integer>{};
  const auto table = integral_constant<look_up, look_up::table>{};
  if (w.is_codebook && w.bits == 4) return run(integral_constant<int, 4>{}, table);
  if (w.is_e4m3)
    return run(integral_constant<int, 8>{}, integral_constant<look_up, look_up::e4m3>{});
  if (w.is_codebook) return run(integral_constant<int, 8>{}, table);
#if defined(__AVX512F__)
  const auto narrow = table;
#else
  const auto narrow = integer;
#endif
  switch (w.bits) {
    case 2:
      return run(integral_constant<int, 2>{}, narrow);
    case 3:
      return run(integral_constant<int, 3>{}, narrow);
    case 4:
      return run(integral_constant<int, 4>{}, narrow);
    case 5:
      return run(integral_constant<int, 5>{}, narrow);
    case 6:
      return run(integral_constant<int, 6>{}, integer);
    default:
      return run(integral_constant<int, 8>{}, integer);
  }
}

float sum_of(const float *x, int64_t count) {
  const int64_t whole = count / k_lanes * k_lanes;
  floats lanes = {};
  for (int64_t i = 0; i < whole; i += k_lanes) lanes += load(x + i);
  float sum = 0;
  for (int lane = 0; lane < k_lanes; ++lane) sum += lanes[lane];
  for (int64_t i = whole; i < count; ++i) sum += x[i];
  return sum;
}

// Writes x as panel_product reads it. The values of one column lie together for all tokens of a chunk, so
// that one address is enough for them. With look_up::integer, each value is also multiplied by the
// factor_of_place() of its column.
template <int Bits, look_up How>
void arrange_for(const packed_view &w, const float *x, int64_t tokens, float *arranged,
                 float *sums) {
  float factors[k_unit_columns];
  for (int i = 0; i < k_unit_columns; ++i)
    factors[i] = How == look_up::integer ? factor_of_place<Bits>(i) : 1.0f;
  const int64_t width = w.units * k_unit_columns;
  in_chunks(tokens, [&](int64_t token, int64_t count) {
    float *to = arranged + token * width, *sum = sums + token * w.groups;
    for (int64_t t = 0; t < count; ++t) {
      const float *from = x + (token + t) * w.columns;
      for (int64_t c = 0; c < w.columns; ++c)
        to[c * count + t] = from[c] * factors[c % k_unit_columns];
      for (int64_t c = w.columns; c < width; ++c) to[c * count + t] = 0;
      for (int64_t group = 0; group < w.groups; ++group)
        sum[group * count + t] = sum_of(from + group * w.group, w.group);
    }
  });
}

void arrange(const packed_view &w, const float *x, int64_t tokens, float *arranged, float *sums) {
  with_bits(w, [&](auto bits, auto how) {
    arrange_for<decltype(bits)::value, decltype(how)::value>(w, x, tokens, arranged, sums);
  });
}

void product(const packed_view &w, const packed_input &in, int64_t first, int64_t last, float *out,
             int64_t out_stride) {
  with_bits(w, [&](auto bits, auto how) {
    panels_product<decltype(bits)::value, decltype(how)::value>(w, in, first, last, out,
                                                                out_stride);
  });
}

void many(const packed_view &w, const packed_input &in, int64_t first, int64_t last, float *scratch,
          float *out, int64_t out_stride) {
  with_bits(w, [&](auto bits, auto how) {
    panels_many<decltype(bits)::value, decltype(how)::value>(w, in, first, last, scratch, out,
                                                             out_stride);
  });
}

}  // namespace
}  // namespace assay::model
