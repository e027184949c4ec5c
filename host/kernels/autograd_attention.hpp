// Computes causal attention with a gradient, panel (some neighbouring queries) by panel.
// attention.hpp computes attention without a gradient or over a cache.
#pragma once

#include "aten.hpp"

namespace assay::model {

// Each row is a sequence of its own from position 0: query [rows, heads, tokens, d], key and value
// [rows, kv_heads, tokens, d] -> [rows, tokens, heads * d], with gradients of all three. window:
// how many keys a query sees, as in attend(). fp32 on the CPU only (trains_in_panels). The forward
// pass is attend()'s. The backward pass computes the scores again, as FlashAttention does (arXiv
// 2205.14135, appendix B). It uses oneDNN's products; LibTorch's own gradient would use MKL's,
// which are slower here.
at::Tensor autograd_attention(const at::Tensor &query, const at::Tensor &key,
                              const at::Tensor &value, int64_t window, double scale);

// True if autograd_attention is to compute these tensors: they are fp32 on the CPU, and LibTorch's
// gradient mode is on.
bool trains_in_panels(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value);

}  // namespace assay::model
