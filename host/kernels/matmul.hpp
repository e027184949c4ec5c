// Computes x Wᵀ in fp32 on the CPU. LibTorch has two libraries for it, MKL and oneDNN. This file
// calls oneDNN, because MKL uses only half of the vector width on AMD processors, while oneDNN asks
// the processor for its width (reports/measurements/kernels.md). If x has few rows, the tile kernel
// multiplies (attention_tile.hpp). If it has one row, most time goes into reading the weight, so all
// threads read it (row_product.hpp).
#pragma once

#include "aten.hpp"

namespace assay::model {

// x [.., in], weight [out, in], bias [out] or undefined -> [.., out]. Takes any dtype and device,
// and calls at::linear where oneDNN does not apply. Differentiable (autograd_linear.hpp).
at::Tensor fast_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias = {});

// x [tokens, in] fp32, weight [out, in] in float32, bfloat16 or float16, both contiguous on the CPU ->
// [tokens, out] fp32. All threads read the weight. Use it for few tokens, for which reading the weight
// takes most of the time. No autograd.
at::Tensor row_linear(const at::Tensor &x, const at::Tensor &weight);

// residual + x Wᵀ + bias, in one pass over the output where that is possible.
at::Tensor fast_linear_add(const at::Tensor &residual, const at::Tensor &x,
                           const at::Tensor &weight, const at::Tensor &bias = {});

// x Wᵀ of factors rounded to bfloat16, with sums in fp32: x [.., in] and weight [out, in] in fp32 or
// bfloat16 -> [.., out] fp32. Throws error(usage) if has_narrow_linear() is false, because an
// emulation would be slower than fp32.
at::Tensor narrow_linear(const at::Tensor &x, const at::Tensor &weight);
bool has_narrow_linear();

}  // namespace assay::model
