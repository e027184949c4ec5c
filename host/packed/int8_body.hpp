// Holds the loops of the kernels that multiply codes with int8 inputs. It is compiled once for each
// instruction set (int8_base.cpp, int8_avx2.cpp, int8_vnni.cpp). Everything is in an unnamed namespace, so that the
// compiled copies stay apart.
//
// Some panels are first unpacked to bytes. Four columns (a quad) of the rows of a strip make one vector. With VNNI,
// one instruction multiplies this vector with the four rounded inputs of a token in these columns, and adds
// the products to the sums of these rows.
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
#elif defined(__AVX2__)
  // Products of 16-bit numbers, summed in pairs: bytes 0 and 2 of each row, then bytes 1 and 3.
  const __m256i all = reinterpret_cast<__m256i>(codes), four = _mm256_set1_epi32(x);
  const __m256i low = _mm256_set1_epi16(255);
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(all, low),
                                         _mm256_srai_epi16(_mm256_slli_epi16(four, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(all, 8), _mm256_srai_epi16(four, 8));
  return sums + reinterpret_cast<integers>(_mm256_add_epi32(even, odd));
#else
  for (int byte = 0; byte < 4; ++byte) {
    const auto factor = static_cast<int8_t>(static_cast<uint32_t>(x) >> (8 * byte));
    sums += reinterpret_cast<integers>((codes >> (8 * byte)) & 255u) * static_cast<int32_t>(factor);
  }
  return sums;
#endif
}

constexpr int64_t k_quad_words =
    k_pair * k_strips;  // vectors of a quad: both panels, strip by strip

// Quad q of a unit for the rows of a strip: four codes as bytes, in the order of int8_column().
template <int Bits>
inline words quad(const words *unit, int q) {
  if constexpr (Bits == 8) {
    return unit[q * k_strips];
  } else if constexpr (Bits == 4) {
    return unit[q / 2 * k_strips] >> (q % 2 * 4) & 0x0f0f0f0fu;
  } else {
    constexpr uint32_t k_mask = (1u << Bits) - 1;
    words four = code<Bits>(unit, 4 * q) & k_mask;
#pragma GCC unroll 3
    for (int i = 1; i < 4; ++i) four |= (code<Bits>(unit, 4 * q + i) & k_mask) << (8 * i);
    return four;
  }
}

// Unpacks a strip of a panel to bytes: quad q, counted over all units, goes to `to` + q * k_quad_words.
template <int Bits>
void unpack_bytes(const packed_view &w, int64_t panel, int64_t strip, words *to) {
  const auto *unit =
      reinterpret_cast<const words *>(w.codes) + panel * w.units * Bits * k_strips + strip;
  for (int64_t u = 0; u < w.units; ++u, unit += Bits * k_strips, to += k_quads * k_quad_words)
#pragma GCC unroll 8
    for (int q = 0; q < k_quads; ++q) to[q * k_quad_words] = quad<Bits>(unit, q);
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

#if defined(__AVX512F__)
constexpr int64_t k_at_once = 2;  // vectors that are multiplied at once: the two panels
#elif defined(__AVX2__)
constexpr int64_t k_at_once = 2;  // one panel
#else
constexpr int64_t k_at_once = 4;  // one panel
#endif

// Multiplies some vectors of a pair of panels with Tokens tokens. The sum over a group is exact; then the factors
// of the group are applied to it. codes, vector: of the first of these vectors.
template <int Tokens>
void int8_tile(const packed_view &w, const int32_t *x, const words *codes, const float *x_scales,
               const float *x_sums, int64_t panel, int64_t n_panels, int64_t vector, float *out,
               int64_t out_stride) {
  const int64_t all = w.units * k_quads, quads_of_group = w.group == w.columns ? all : w.group / 4;
  for (int64_t group = 0; group < w.groups; ++group) {
    integers sum[Tokens][k_at_once] = {};
    for (int64_t q = 0; q < quads_of_group; ++q, x += k_int8_tile, codes += k_quad_words) {
      words four[k_at_once];
#pragma GCC unroll 4
      for (int v = 0; v < k_at_once; ++v) four[v] = codes[v];
#pragma GCC unroll 12
      for (int t = 0; t < Tokens; ++t)
#pragma GCC unroll 4
        for (int v = 0; v < k_at_once; ++v) sum[t][v] = add_products(sum[t][v], four[v], x[t]);
    }
#pragma GCC unroll 4
    for (int64_t v = 0; v < k_at_once; ++v) {
      const int64_t p = (vector + v) / k_strips, strip = (vector + v) % k_strips;
      if (p >= n_panels) break;
      const group_factors f = factors_of(w, panel + p, strip, group);
#pragma GCC unroll 12
      for (int t = 0; t < Tokens; ++t)
        add_group(w, f, sum[t][v], x_sums[t * w.groups + group], x_scales[t],
                  out + t * out_stride + (vector + v) * k_lanes, group == 0);
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
    for (int64_t v = 0; v < n_panels * k_strips; v += k_at_once)
      tile(w, x + token, codes + v, x_scales + token, x_sums + token * w.groups, panel, n_panels, v,
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
  const int64_t at_once = int8_panels_at_once(w), pair_words = w.units * k_quads * k_quad_words;
  auto *room = reinterpret_cast<words *>(scratch);
  for (int64_t begin = first; begin < last; begin += at_once) {
    const int64_t end = begin + at_once < last ? begin + at_once : last;
    for (int64_t panel = begin; panel < end; ++panel)
      for (int64_t strip = 0; strip < k_strips; ++strip)
        unpack(panel, strip,
               room + (panel - begin) / 2 * pair_words + (panel - begin) % 2 * k_strips + strip);
    for (int64_t token = 0; token < in.tokens; token += k_int8_tile) {
      const int64_t left = in.tokens - token;
      for (int64_t panel = begin; panel < end; panel += k_pair)
        int8_tiles(w, in.codes + token * w.units * k_quads, room + (panel - begin) / 2 * pair_words,
                   in.scales + token, in.sums + token * w.groups,
                   left < k_int8_tile ? left : k_int8_tile, panel,
                   end - panel < k_pair ? end - panel : k_pair,
                   out + token * out_stride + panel * k_panel_rows, out_stride);
    }
  }
}

// --- few tokens ---

// Multiplies a strip with Tokens tokens and reads its codes where they are, because for few tokens it would cost more to write
// unpacked codes than to multiply.
template <int Bits, int Tokens>
void int8_strip(const packed_view &w, const int8_input &in, int64_t panel, int64_t strip,
                float *out, int64_t out_stride) {
  const auto *unit =
      reinterpret_cast<const words *>(w.codes) + panel * w.units * Bits * k_strips + strip;
  const int32_t *x = in.codes;
  const int64_t units_of_group = w.group == w.columns ? w.units : w.group / k_unit_columns;
  float *to = out + panel * k_panel_rows + strip * k_lanes;
  for (int64_t group = 0; group < w.groups; ++group) {
    integers sum[Tokens][2] = {};  // two, because an addition waits for the one before it
    for (int64_t u = 0; u < units_of_group; ++u, unit += Bits * k_strips) {
      __builtin_prefetch(reinterpret_cast<const char *>(unit) + 1024);
#pragma GCC unroll 8
      for (int q = 0; q < k_quads; ++q, x += k_int8_tile) {
        const words four = quad<Bits>(unit, q);
#pragma GCC unroll 4
        for (int t = 0; t < Tokens; ++t) sum[t][q % 2] = add_products(sum[t][q % 2], four, x[t]);
      }
    }
    const group_factors f = factors_of(w, panel, strip, group);
#pragma GCC unroll 4
    for (int t = 0; t < Tokens; ++t)
      add_group(w, f, sum[t][0] + sum[t][1], in.sums[t * w.groups + group], in.scales[t],
                to + t * out_stride, group == 0);
  }
}

constexpr int64_t k_few = 4;

template <int Bits>
void int8_few(const packed_view &w, const int8_input &in, int64_t first, int64_t last, float *out,
              int64_t out_stride) {
  for (int64_t panel = first; panel < last; ++panel)
    for (int64_t strip = 0; strip < k_strips; ++strip) {
      if (in.tokens == 1) int8_strip<Bits, 1>(w, in, panel, strip, out, out_stride);
      if (in.tokens == 2) int8_strip<Bits, 2>(w, in, panel, strip, out, out_stride);
      if (in.tokens == 3) int8_strip<Bits, 3>(w, in, panel, strip, out, out_stride);
      if (in.tokens == 4) int8_strip<Bits, 4>(w, in, panel, strip, out, out_stride);
    }
}

void int8_product(const packed_view &w, const int8_input &in, int64_t first, int64_t last,
                  uint8_t *scratch, float *out, int64_t out_stride) {
  const auto run = [&](auto bits) {
    if (in.tokens <= k_few)
      return int8_few<decltype(bits)::value>(w, in, first, last, out, out_stride);
    int8_panels(w, in, first, last, scratch, out, out_stride,
                [&](int64_t panel, int64_t strip, words *to) {
                  unpack_bytes<decltype(bits)::value>(w, panel, strip, to);
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

// Returns max |x|; 0 for no columns. Values that are not numbers do not count.
inline float largest_of(const float *x, int64_t columns) {
  const auto size_of = [](floats v) { return as_floats(reinterpret_cast<words>(v) & 0x7fffffffu); };
  floats most[4] = {};  // four, because a comparison waits for the one before it
  int64_t c = 0;
  for (; c + 4 * k_lanes <= columns; c += 4 * k_lanes)
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const floats size = size_of(load(x + c + i * k_lanes));
      most[i] = size > most[i] ? size : most[i];
    }
  float top = 0;
  for (const floats &some : most)
    for (int64_t lane = 0; lane < k_lanes; ++lane) top = some[lane] > top ? some[lane] : top;
  for (; c < columns; ++c) {
    const float size = x[c] < 0 ? -x[c] : x[c];
    top = size > top ? size : top;
  }
  return top;
}

float round_row(const float *x, int64_t columns, int8_t *codes) {
  constexpr float k_limit = 127.0f;
  const float most = largest_of(x, columns);
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
