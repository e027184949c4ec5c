// Holds the loops of the kernels that multiply codes with int8 inputs. It is compiled once for each
// instruction set (int8_base.cpp, int8_vnni.cpp). Everything is in an unnamed namespace, so that the
// compiled copies stay apart.
//
// Some panels are first unpacked to bytes. Four columns (a quad) of 16 rows make one vector. With VNNI,
// one instruction multiplies this vector with the four rounded inputs of a token in these columns, and
// adds the products to 16 sums.
#pragma once

#include "packed/int8_kernel.hpp"
#include "packed/packed_vectors.hpp"

namespace assay::model {
namespace {

constexpr int64_t k_quads = k_unit_columns / 4;  // quads of a unit
constexpr int64_t k_pair = 2;                    // panels that are multiplied at once

// sums += codes (unsigned bytes) times x (four signed bytes, the same for all rows).
inline integers add_products(integers sums, words codes, int32_t x) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<integers>(_mm512_dpbusd_epi32(
      reinterpret_cast<__m512i>(sums), reinterpret_cast<__m512i>(codes), _mm512_set1_epi32(x)));
#else
  for (int byte = 0; byte < 4; ++byte) {
    const auto factor = static_cast<int8_t>(static_cast<uint32_t>(x) >> (8 * byte));
    sums += reinterpret_cast<integers>((codes >> (8 * byte)) & 255u) * static_cast<int32_t>(factor);
  }
  return sums;
#endif
}

// Unpacks a panel to bytes: quad q, counted over all units, goes to `to` + q * k_pair vectors.
template <int Bits>
void unpack_bytes(const packed_view &w, int64_t panel, words *to) {
  const auto *unit = reinterpret_cast<const words *>(w.codes) + panel * w.units * Bits;
  for (int64_t u = 0; u < w.units; ++u, unit += Bits, to += k_quads * k_pair) {
    if constexpr (Bits == 8) {
      for (int64_t q = 0; q < k_quads; ++q) to[q * k_pair] = unit[q];
    } else if constexpr (Bits == 4) {
      for (int64_t i = 0; i < Bits; ++i) {
        to[2 * i * k_pair] = unit[i] & 0x0f0f0f0fu;
        to[(2 * i + 1) * k_pair] = unit[i] >> 4 & 0x0f0f0f0fu;
      }
    } else {
      constexpr uint32_t k_mask = (1u << Bits) - 1;
#pragma GCC unroll 8
      for (int q = 0; q < k_quads; ++q) {
        words four = code<Bits>(unit, 4 * q) & k_mask;
#pragma GCC unroll 3
        for (int i = 1; i < 4; ++i) four |= (code<Bits>(unit, 4 * q + i) & k_mask) << (8 * i);
        to[q * k_pair] = four;
      }
    }
  }
}

// Adds one group to the result. sum: the sum of weight code times input code. of_x: the sum of the input
// codes. A weight is outer * (scale * (code + shift) + minimum). With minimum_type zero_u8 it is
// outer * scale * (code - zero code). Shift, zero code and minimum are the same for the whole group, so
// they multiply of_x.
inline void add_group(const packed_view &w, const group_factors &f, integers sum, float of_x,
                      float x_scale, float *out, bool is_first) {
  floats s = __builtin_convertvector(sum, floats);
  if (w.minimum_type == factor_type::zero_u8)
    s -= (f.zero - w.shift) * of_x;
  else
    s += w.shift * of_x;
  const floats value = (f.scale * s + f.minimum * of_x) * (x_scale * w.outer);
  store(out, is_first ? value : load(out) + value);
}

// Multiplies a pair of panels with Tokens tokens. The sum over a group is exact; then the factors of the
// group are applied to it.
template <int Tokens>
void int8_tile(const packed_view &w, const int32_t *x, const words *codes, const float *x_scales,
               const float *x_sums, int64_t panel, int64_t n_panels, float *out,
               int64_t out_stride) {
  const int64_t all = w.units * k_quads, quads_of_group = w.group == w.columns ? all : w.group / 4;
  for (int64_t group = 0; group < w.groups; ++group) {
    integers sum[Tokens][k_pair] = {};
    for (int64_t q = 0; q < quads_of_group; ++q, x += k_int8_tile, codes += k_pair) {
      const words left = codes[0], right = codes[1];
#pragma GCC unroll 12
      for (int t = 0; t < Tokens; ++t) {
        sum[t][0] = add_products(sum[t][0], left, x[t]);
        sum[t][1] = add_products(sum[t][1], right, x[t]);
      }
    }
#pragma GCC unroll 2
    for (int64_t p = 0; p < k_pair; ++p) {
      if (p >= n_panels) break;
      const group_factors f = factors_of(w, panel + p, group);
#pragma GCC unroll 12
      for (int t = 0; t < Tokens; ++t)
        add_group(w, f, sum[t][p], x_sums[t * w.groups + group], x_scales[t],
                  out + t * out_stride + p * k_panel_rows, group == 0);
    }
  }
}

#if defined(__AVX512VNNI__)
constexpr int64_t k_wide = 12, k_middle = 4;  // tokens; 2 * 12 sums fill 24 of 32 registers
#else
constexpr int64_t k_wide = 4, k_middle = 4;
#endif

inline void int8_tiles(const packed_view &w, const int32_t *x, const words *codes,
                       const float *x_scales, const float *x_sums, int64_t tokens, int64_t panel,
                       int64_t n_panels, float *out, int64_t out_stride) {
  int64_t token = 0;
  const auto run = [&](auto tile, int64_t count) {
    tile(w, x + token, codes, x_scales + token, x_sums + token * w.groups, panel, n_panels,
         out + token * out_stride, out_stride);
    token += count;
  };
  while (token < tokens) {
    if (tokens - token >= k_wide)
      run(int8_tile<k_wide>, k_wide);
    else if (tokens - token >= k_middle)
      run(int8_tile<k_middle>, k_middle);
    else
      run(int8_tile<1>, 1);
  }
}

// Unpacks as many panels as fit into the scratch, multiplies all tokens with them, and goes on with the next panels.
template <typename Unpack>
void int8_panels(const packed_view &w, const int8_input &in, int64_t first, int64_t last,
                 uint8_t *scratch, float *out, int64_t out_stride, const Unpack &unpack) {
  const int64_t at_once = int8_panels_at_once(w), pair_words = w.units * k_quads * k_pair;
  auto *room = reinterpret_cast<words *>(scratch);
  for (int64_t begin = first; begin < last; begin += at_once) {
    const int64_t end = begin + at_once < last ? begin + at_once : last;
    for (int64_t panel = begin; panel < end; ++panel)
      unpack(panel, room + (panel - begin) / 2 * pair_words + (panel - begin) % 2);
    for (int64_t token = 0; token < in.tokens; token += k_int8_tile) {
      const int64_t left = in.tokens - token;
      for (int64_t panel = begin; panel < end; panel += k_pair)
        int8_tiles(w, in.codes + token * w.units * k_quads, room + (panel - begin) / 2 * pair_words,
                   in.scales + token, in.sums + token * w.groups,
                   left < k_int8_tile ? left : k_int8_tile, panel, end - panel,
                   out + token * out_stride + panel * k_panel_rows, out_stride);
    }
  }
}

void int8_product(const packed_view &w, const int8_input &in, int64_t first, int64_t last,
                  uint8_t *scratch, float *out, int64_t out_stride) {
  const auto run = [&](auto bits) {
    int8_panels(w, in, first, last, scratch, out, out_stride, [&](int64_t panel, words *to) {
      unpack_bytes<decltype(bits)::value>(w, panel, to);
    });
  };
  switch (w.bits) {
    case 2:
      return run(std::integral_constant<int, 2>{});
    case 3:
      return run(std::integral_constant<int, 3>{});
    case 4:
      return run(std::integral_constant<int, 4>{});
    case 5:
      return run(std::integral_constant<int, 5>{});
    case 6:
      return run(std::integral_constant<int, 6>{});
    default:
      return run(std::integral_constant<int, 8>{});
  }
}

float round_row(const float *x, int64_t columns, int8_t *codes) {
  constexpr float k_limit = 127.0f;
  float most = 0;
  for (int64_t c = 0; c < columns; ++c) {
    const float size = x[c] < 0 ? -x[c] : x[c];
    most = most < size ? size : most;
  }
  const float whole = most / k_limit;
  const float scale = whole < k_least_input_scale ? k_least_input_scale : whole;
  for (int64_t c = 0; c < columns; ++c) {
    const float rounded = __builtin_nearbyintf(x[c] / scale);
    const float limited = rounded > k_limit ? k_limit : rounded < -k_limit ? -k_limit : rounded;
    codes[c] = static_cast<int8_t>(limited);
  }
  return scale;
}

}  // namespace
}  // namespace assay::model
