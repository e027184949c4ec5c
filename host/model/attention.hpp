// Causal attention for prefill: fp32, CPU, no gradient. Scores exist for one block of queries at a
// time.
// Not the reference: decoder_block.cpp calls at::scaled_dot_product_attention elsewhere, and a
// test compares them.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace assay::model {

// query [rows, heads, tokens, d], key and value [rows, kv_heads, span, d]; any strides. Query t of
// row r stands at position past[r] + t and sees keys j with position - window < j <= position
// (window 0 = all before it). Returns [rows, tokens, heads * d]. LibTorch's own kernel runs at
// MKL's rate: half of this on AMD.
at::Tensor prefill_attention(const at::Tensor &query, const at::Tensor &key,
                             const at::Tensor &value, const std::vector<int64_t> &past,
                             int64_t window, double scale);

// Where prefill_attention may be called and pays.
bool prefill_attention_applies(const at::Tensor &query, const at::Tensor &key);

}  // namespace assay::model
