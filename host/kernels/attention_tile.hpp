// Computes attention for one panel of queries, tile by tile: scores, online softmax, values. It
// takes plain pointers and uses one thread; attention.cpp cuts the work into panels.
//
// A panel holds queries side by side in vector lanes. Each head that shares the keys has lanes of
// its own. One element of a key is broadcast to all lanes, and maxima and sums need no step across
// lanes. Keys and values are read where they are, without a copy. The keys are read once, as in
// FlashAttention (arXiv 2205.14135, section 3.1). The softmax over tiles is that of Milakov and
// Gimelshein, "Online normalizer calculation for softmax" (arXiv 1805.02867, algorithm 3).
#pragma once

#include <cstdint>

#include "kernels/coded_rows.hpp"

namespace assay::model {

// Keys and values of consecutive positions: [count, d] with strides in floats from token to token.
struct key_range {
  const float *keys, *values;  // null if the store has codes
  int64_t key_stride, value_stride;
  int64_t position, count;  // of the first key; tokens
  coded_rows key_codes, value_codes;
};

constexpr int64_t k_tile_keys =
    64;  // keys of a tile: its scores, keys and values stay in the first-level cache

struct attention_panel {
  const float *query;  // [d, lanes], times scale * log2(e); 64-byte aligned
  int64_t d;
  const key_range *ranges;
  int64_t n_ranges;
  // [lanes], ascending: lane i sees keys positions[i] - window < j <= positions[i]
  const int32_t *positions;
  int32_t window;  // 0 = no limit
  float cap;       // times log2(e): a score x becomes cap * tanh(x / cap); 0 = none
  float *out;      // [d, lanes], 64-byte aligned
  float *scratch;  // [k_tile_keys, d]: a tile of codes as floats; null if no range has codes
};

// The kernel of one instruction set in two forms. The narrow form wastes fewer lanes if there are few queries.
struct attention_kernel {
  const char *name;  // "avx512", "avx2" or "base"
  int64_t wide_lanes, narrow_lanes;
  void (*wide)(const attention_panel &panel);
  void (*narrow)(const attention_panel &panel);
  // out [n, lanes] = weight [n, k] times x [k, lanes]; x and out are 64-byte aligned. The scores of
  // keys are such a product, and so is a linear of few rows.
  void (*wide_product)(const float *x, const float *weight, int64_t k, int64_t n, float *out);
  void (*narrow_product)(const float *x, const float *weight, int64_t k, int64_t n, float *out);
};

constexpr int64_t k_max_lanes = 48;

// The widest kernel that this processor can run. The two functions below give all kernels that it can
// run, for the test that compares these kernels.
const attention_kernel &best_attention_kernel();
int64_t n_attention_kernels();
const attention_kernel &attention_kernel_at(int64_t index);

}  // namespace assay::model
