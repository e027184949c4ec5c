// Computes causal attention over segments: runs of consecutive tokens, each with the places
// of the keys that it sees. The same functions serve prefill, decoding of many sequences, and
// trees with shared prefixes.
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"
#include "kernels/coded_rows.hpp"

namespace assay::model {

// Keys and values of consecutive positions in a store [slots, kv_heads, capacity, d].
struct key_place {
  int64_t slot, first;  // row of the store, and token in it
  int64_t position;     // of the first token in its sequence
  int64_t count;        // tokens
};

// Queries [first, first + tokens) of row `row`, at positions from `position` on. A query sees the
// keys of `keys` up to its own position, within the window. The last element of `keys` ends with the
// segment's own tokens.
struct attention_segment {
  int64_t row = 0, first = 0, tokens = 0, position = 0;
  std::vector<key_place> keys;
};

// query [rows, heads, tokens, d], key and value [slots, kv_heads, capacity, d], any strides. Returns
// [rows, tokens, heads * d], with zeros where no segment covers a token. window: how many keys a
// query sees, its own included; 0 = no limit. Scores are multiplied by `scale`. cap > 0: a score x then
// becomes cap * tanh(x / cap) (Gemma 2, arXiv 2408.00118, section 2). attend() uses fused tiles for
// fp32 on the CPU without a gradient, and tensor operations elsewhere.
at::Tensor attend(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                  const std::vector<attention_segment> &segments, int64_t window, double scale,
                  double cap = 0);

// Keys (or values) of a store [slots, kv_heads, capacity, d] as codes; all tensors are contiguous.
struct coded_store {
  row_code form;
  at::Tensor codes;   // [slots, kv_heads, capacity, form.bytes(d)] uint8
  at::Tensor scales;  // [slots, kv_heads, capacity] fp32
  at::Tensor zeros;   // [slots, kv_heads, capacity] uint8
  // [kv_heads] or [1] fp32: the scale of all tokens of a head; undefined = each row has its own.
  at::Tensor fixed = {};
};

// Does the same as attend() for keys and values that are stored as codes, in fused tiles: query is fp32 on
// the CPU without a gradient.
at::Tensor attend_codes(const at::Tensor &query, const coded_store &key, const coded_store &value,
                        const std::vector<attention_segment> &segments, int64_t window,
                        double scale, double cap = 0);

// The plain formula, segment by segment, for any device and dtype; differentiable. Tests compare
// the fused tiles with it.
at::Tensor attend_plainly(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                          const std::vector<attention_segment> &segments, int64_t window,
                          double scale, double cap = 0);

// True for fp32 on the CPU with the elements of a row side by side: the fused tiles and the
// gradient in panels (autograd_attention) can read such tensors.
bool is_plain_attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value);

// True if attend() runs its fused tiles for these tensors.
bool attends_in_tiles(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value);

}  // namespace assay::model
