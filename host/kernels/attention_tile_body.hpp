// Implements the tile kernel; each attention_tile*.cpp includes it once for its instruction set,
// and the vector width follows from the compiler's flags. Everything has internal linkage, so that
// no function that was compiled for wide vectors can be linked into another file.
#pragma once

#include "kernels/attention_tile.hpp"

namespace assay::model {
namespace {

// NOLINTBEGIN(misc-definitions-in-headers): a copy in each file is the point
#if defined(__AVX512F__)
constexpr int k_width = 16, k_rows = 8;  // floats of a vector; keys (or dims) computed together
#elif defined(__AVX2__)
constexpr int k_width = 8, k_rows = 4;
#else
constexpr int k_width = 4, k_rows = 4;
#endif
constexpr int k_keys = k_tile_keys;

using vec [[gnu::vector_size(k_width * 4), gnu::may_alias]] = float;
using ivec [[gnu::vector_size(k_width * 4), gnu::may_alias]] = int32_t;

constexpr float k_lowest = -1e30f;  // below every score, and finite
// NOLINTEND(misc-definitions-in-headers)

inline const vec &load(const float *p) {
  return *reinterpret_cast<const vec *>(p);
}
inline vec &at(float *p) {
  return *reinterpret_cast<vec *>(p);
}

// 2^x for x <= 0, within 2 ulp, at least 2^-126; NaN stays NaN. The polynomial is that of Cephes'
// exp2f on |r| <= 1/2.
inline vec exp2_of(vec x) {
  x = x < -126.0f ? (vec{} - 126.0f) : x;
  const vec shifted = x + 12582912.0f;  // 1.5 * 2^23: the low bits hold round(x)
  const vec r = x - (shifted - 12582912.0f);
  vec p = r * 1.535336188e-4f + 1.339887440e-3f;
  p = p * r + 9.618437357e-3f;
  p = p * r + 5.550332471e-2f;
  p = p * r + 2.402264791e-1f;
  p = p * r + 6.931472028e-1f;
  p = p * r + 1.0f;
  const ivec exponent = (__builtin_bit_cast(ivec, shifted) + 127) << 23;
  return p * __builtin_bit_cast(vec, exponent);
}

// cap * tanh(x / cap), within 3 ulp of the result. Near 0 the polynomial is that of Cephes' tanhf;
// elsewhere tanh(y) = (1 - t) / (1 + t) with t = exp(-2 y), y > 0.
inline vec capped(vec x, float cap) {
  const vec y = x * (1.0f / cap), size = y < 0.0f ? -y : y, z = y * y;
  vec p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const vec t = exp2_of(size * -2.88539008f);  // -2 log2(e)
  const vec far = (1.0f - t) / (1.0f + t);
  return (size < 0.625f ? p * z * y + y : (y < 0.0f ? -far : far)) * cap;
}

// The softmax of V vectors of lanes over the keys so far: the largest score, and the sum of
// 2^(score - top).
template <int V>
struct softmax_state {
  vec top[V], sum[V];
};

// Computes scores[r] = keys[r] . query for k_rows keys.
template <int V>
inline void score_rows(const float *const (&key)[k_rows], const float *query, int64_t d,
                       float *scores) {
  vec acc[k_rows][V] = {};
  for (int64_t i = 0; i < d; ++i, query += V * k_width) {
    vec q[V];
    for (int v = 0; v < V; ++v) q[v] = load(query + v * k_width);
#pragma GCC unroll 8
    for (int r = 0; r < k_rows; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) acc[r][v] += key[r][i] * q[v];
  }
  for (int r = 0; r < k_rows; ++r)
    for (int v = 0; v < V; ++v) at(scores + (r * V + v) * k_width) = acc[r][v];
}

// Computes the scores of `count` keys, k_rows at a time. The last k_rows may go beyond the last key:
// then they repeat it, and nobody reads the scores of the repetitions.
template <int V>
inline void score_tile(const float *keys, int64_t stride, int64_t count, const float *query,
                       int64_t d, float *scores) {
  for (int64_t j = 0; j < count; j += k_rows) {
    const float *key[k_rows];
    for (int r = 0; r < k_rows; ++r) key[r] = keys + (j + r < count ? j + r : count - 1) * stride;
    score_rows<V>(key, query, d, scores + j * V * k_width);
  }
}

// Computes out[dim] = out[dim] * correction + sum over keys of weight * value[dim] for R dims.
template <int V, int R>
inline void mix_rows(const float *value, int64_t stride, int64_t count, const float *weight,
                     const vec (&correction)[V], float *out) {
  vec acc[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) acc[r][v] = load(out + (r * V + v) * k_width) * correction[v];
  for (int64_t j = 0; j < count; ++j, value += stride, weight += V * k_width) {
    vec w[V];
    for (int v = 0; v < V; ++v) w[v] = load(weight + v * k_width);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) acc[r][v] += value[r] * w[v];
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) at(out + (r * V + v) * k_width) = acc[r][v];
}

// Does the same as mix_rows for all d dims.
template <int V>
inline void mix_tile(const float *values, int64_t stride, int64_t count, const float *p, int64_t d,
                     const vec (&correction)[V], float *out) {
  int64_t i = 0;
  for (; i + k_rows <= d; i += k_rows)
    mix_rows<V, k_rows>(values + i, stride, count, p, correction, out + i * V * k_width);
  for (; i < d; ++i)
    mix_rows<V, 1>(values + i, stride, count, p, correction, out + i * V * k_width);
}

// Turns scores in place into 2^(score - top), and into 0 in lanes that may not see the key. Updates
// the state. Writes into `correction` the factor for what was summed with the old top.
template <int V, bool masked>
inline void soften(float *scores, int64_t count, int32_t first, const int32_t *positions,
                   int32_t window, softmax_state<V> &state, vec (&correction)[V]) {
  ivec last[V], before[V];
  for (int v = 0; masked && v < V; ++v) {
    last[v] = *reinterpret_cast<const ivec *>(positions + v * k_width);
    before[v] = window > 0 ? last[v] - window : ivec{} - 1;
  }
  vec top[V];
  for (int v = 0; v < V; ++v) top[v] = state.top[v];
  for (int64_t j = 0; j < count; ++j) {
    const int32_t key = first + static_cast<int32_t>(j);
    for (int v = 0; v < V; ++v) {
      vec s = load(scores + (j * V + v) * k_width);
      if (masked) s = ((key <= last[v]) & (key > before[v])) ? s : (vec{} + k_lowest);
      top[v] = s > top[v] ? s : top[v];
    }
  }
  vec sum[V] = {};
  for (int v = 0; v < V; ++v) correction[v] = exp2_of(state.top[v] - top[v]);
  for (int64_t j = 0; j < count; ++j) {
    const int32_t key = first + static_cast<int32_t>(j);
    for (int v = 0; v < V; ++v) {
      vec p = exp2_of(load(scores + (j * V + v) * k_width) - top[v]);
      if (masked) p = ((key <= last[v]) & (key > before[v])) ? p : vec{};
      at(scores + (j * V + v) * k_width) = p;
      sum[v] += p;
    }
  }
  for (int v = 0; v < V; ++v) {
    state.sum[v] = state.sum[v] * correction[v] + sum[v];
    state.top[v] = top[v];
  }
}

// The keys (or values) of one tile, with their stride in floats.
struct tile_rows {
  const float *first;
  int64_t stride;
};

// Keys and values are read where they are. Codes are turned into floats first; the scores of a tile are finished before its values
// take the same scratch memory.
inline tile_rows rows_of(const float *rows, int64_t stride, const coded_rows &codes, int64_t first,
                         int64_t count, const attention_panel &panel) {
  if (codes.codes == nullptr) return {rows + first * stride, stride};
  decode_rows(codes, first, count, panel.d, panel.scratch);
  return {panel.scratch, panel.d};
}

// Goes through the keys tile by tile: scores, softmax, weighted sum of values. At the end it divides
// by the sum of the weights. A tile that all lanes see as a whole needs no mask.
template <int V>
void run_panel(const attention_panel &panel) {
  constexpr int k_lanes = V * k_width;
  alignas(64) float scores[k_keys * k_lanes];
  softmax_state<V> state;
  for (int v = 0; v < V; ++v) state.top[v] = vec{} + k_lowest, state.sum[v] = vec{};
  for (int64_t i = 0; i < panel.d * V; ++i) at(panel.out + i * k_width) = vec{};
  const int32_t earliest = panel.positions[0], latest = panel.positions[k_lanes - 1];
  for (int64_t n = 0; n < panel.n_ranges; ++n) {
    const key_range &range = panel.ranges[n];
    for (int64_t j = 0; j < range.count; j += k_keys) {
      const int64_t count = range.count - j < k_keys ? range.count - j : k_keys;
      const auto first = static_cast<int32_t>(range.position + j);
      const tile_rows keys =
          rows_of(range.keys, range.key_stride, range.key_codes, j, count, panel);
      score_tile<V>(keys.first, keys.stride, count, panel.query, panel.d, scores);
      if (panel.cap > 0)
        for (int64_t i = 0; i < count * V; ++i)
          at(scores + i * k_width) = capped(load(scores + i * k_width), panel.cap);
      vec correction[V];
      const bool masked =
          first + count - 1 > earliest || (panel.window > 0 && first <= latest - panel.window);
      if (masked)
        soften<V, true>(scores, count, first, panel.positions, panel.window, state, correction);
      else
        soften<V, false>(scores, count, first, panel.positions, panel.window, state, correction);
      const tile_rows values =
          rows_of(range.values, range.value_stride, range.value_codes, j, count, panel);
      mix_tile<V>(values.first, values.stride, count, scores, panel.d, correction, panel.out);
    }
  }
  vec inverse[V];
  for (int v = 0; v < V; ++v) inverse[v] = 1.0f / state.sum[v];
  for (int64_t i = 0; i < panel.d; ++i)
    for (int v = 0; v < V; ++v) at(panel.out + (i * V + v) * k_width) *= inverse[v];
}

// A product of few rows has the same form as the scores of keys.
template <int V>
void multiply_few(const float *x, const float *weight, int64_t k, int64_t n, float *out) {
  score_tile<V>(weight, k, n, x, k, out);
}

constexpr attention_kernel kernel_of(const char *name) {
  return {name, 3 * k_width, k_width, run_panel<3>, run_panel<1>, multiply_few<3>, multiply_few<1>};
}

}  // namespace
}  // namespace assay::model
