// Causal attention with a gradient, panel by panel. Not the forward without one (model/attention),
// nor one over a cache.
#pragma once

#include "aten.hpp"

namespace assay::model {

// Each row a sequence of its own from position 0: query [rows, heads, tokens, d], key and value
// [rows, kv_heads, tokens, d] -> [rows, tokens, heads * d]; gradients of all three. window 0 = all
// before. fp32 on the CPU (trains_in_panels). The forward is attend()'s; the backward computes the
// scores anew from it, as FlashAttention does (arXiv 2205.14135, appendix B), with oneDNN's products:
// LibTorch's own runs through MKL and took a third of a step of learned rounding.
at::Tensor autograd_attention(const at::Tensor &query, const at::Tensor &key,
                              const at::Tensor &value, int64_t window, double scale);

// Whether autograd_attention takes these: fp32 on the CPU, and a gradient is wanted.
bool trains_in_panels(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value);

}  // namespace assay::model
