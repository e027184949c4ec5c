// Causal attention over segments: runs of consecutive tokens, each with the places of the keys that
// it sees. One form serves prefill, decoding of many sequences and trees with shared prefixes.
// Not the tile arithmetic (attention_tile) and not who lays segments out (decoder, engine).
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"

namespace assay::model {

// Keys and values of consecutive positions in a store [slots, kv_heads, capacity, d].
struct key_place {
  int64_t slot, first;  // row of the store, and token in it
  int64_t position;     // of the first token in its sequence
  int64_t count;        // tokens
};

// Queries [first, first + tokens) of row `row`, at positions from `position` on. A query sees the
// keys of `keys` up to its own position, within the window. The last place ends with the segment's
// own tokens.
struct attention_segment {
  int64_t row = 0, first = 0, tokens = 0, position = 0;
  std::vector<key_place> keys;
};

// query [rows, heads, tokens, d], key and value [slots, kv_heads, capacity, d], any strides; returns
// [rows, tokens, heads * d], zeros where no segment covers a token. window 0 = all before.
// Fused tiles for fp32 on the CPU without gradient, tensor operations elsewhere.
at::Tensor attend(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                  const std::vector<attention_segment> &segments, int64_t window, double scale);

// The plain formula, segment by segment: any device and dtype, differentiable. What tests compare with.
at::Tensor attend_plainly(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                          const std::vector<attention_segment> &segments, int64_t window,
                          double scale);

// fp32 on the CPU, each row's elements side by side: what the fused tiles and the gradient in panels
// (autograd_attention) can read.
bool is_plain_attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value);

// Whether attend() runs its fused tiles for these.
bool attends_in_tiles(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value);

}  // namespace assay::model
