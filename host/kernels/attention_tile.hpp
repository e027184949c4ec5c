// The arithmetic of attention for one panel of queries: scores, online softmax, values, tile by tile.
// Plain pointers, no ATen, and no threads: attention.cpp cuts the work into panels.
//
// A panel holds queries side by side in vector lanes (a query of each head that shares the keys is a
// lane of its own), so a key's element is one broadcast, maxima and sums need no step across lanes,
// and keys and values are read where they lie. One pass over the keys: "Online normalizer
// calculation for softmax" (arXiv 1805.02867), as in FlashAttention.
#pragma once

#include <cstdint>

namespace assay::model {

// Keys and values of consecutive positions: [count, d] with strides in floats from token to token.
struct key_range {
  const float *keys, *values;
  int64_t key_stride, value_stride;
  int64_t position, count;  // of the first key; tokens
};

struct attention_panel {
  const float *query;  // [d, lanes], times scale * log2(e); 64-byte aligned
  int64_t d;
  const key_range *ranges;
  int64_t n_ranges;
  const int32_t
      *positions;  // [lanes], ascending: lane i sees keys positions[i] - window < j <= positions[i]
  int32_t window;  // 0 = all before it
  float *out;      // [d, lanes], 64-byte aligned
};

// One instruction set's two forms; the narrow one wastes fewer lanes where queries are few.
struct attention_kernel {
  const char *name;  // static
  int64_t wide_lanes, narrow_lanes;
  void (*wide)(const attention_panel &panel);
  void (*narrow)(const attention_panel &panel);
  // out [n, lanes] = weight [n, k] times x [k, lanes], both 64-byte aligned: a score is a product
  // with few columns, and a linear of few rows is nothing else.
  void (*wide_product)(const float *x, const float *weight, int64_t k, int64_t n, float *out);
  void (*narrow_product)(const float *x, const float *weight, int64_t k, int64_t n, float *out);
};

constexpr int64_t k_max_lanes = 48;

// The widest that this processor runs. All of them: for the test that compares them.
const attention_kernel &best_attention_kernel();
int64_t n_attention_kernels();
const attention_kernel &attention_kernel_at(int64_t index);

}  // namespace assay::model
