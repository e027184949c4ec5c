// Computes x Wᵀ in fp32 on the CPU by the faster of LibTorch's two libraries. On AMD processors MKL
// uses only half of the vector width, while oneDNN asks the processor for its vector width
// (reports/measurements/kernels.md). With few rows of x the tile kernel multiplies
// (attention_tile.hpp). With one row, most time goes into reading the weight, so that all threads
// read it (row_product.hpp).
#pragma once

#include "aten.hpp"

namespace assay::model {

// x [.., in], weight [out, in], bias [out] or undefined -> [.., out]. Takes any dtype and device,
// and calls at::linear where oneDNN does not apply. Differentiable (autograd_linear.hpp).
at::Tensor fast_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias = {});

// x [tokens, in] fp32, weight [out, in] in float32, bfloat16 or float16, both contiguous on the CPU ->
// [tokens, out] fp32, read by all threads. For few tokens, whose limit is memory. No autograd.
at::Tensor row_linear(const at::Tensor &x, const at::Tensor &weight);

// residual + x Wᵀ + bias, in one pass over the output where that is possible.
at::Tensor fast_linear_add(const at::Tensor &residual, const at::Tensor &x,
                           const at::Tensor &weight, const at::Tensor &bias = {});

// The same product of factors rounded to bfloat16, with sums in fp32: x [.., in] and weight [out,
// in] in fp32 or bfloat16 -> [.., out] fp32. Throws where has_narrow_linear() is false, because an
// emulation would be slower than fp32.
at::Tensor narrow_linear(const at::Tensor &x, const at::Tensor &weight);
bool has_narrow_linear();

}  // namespace assay::model
