// x Wᵀ in fp32 on the CPU by the faster of LibTorch's two libraries.
// Not a kernel of ours. MKL uses only half of an AMD core's vector width (93 of 200 GFLOP/s
// measured on Zen 5); oneDNN asks the CPU itself. One row alone is memory-bound and goes the
// ordinary way.
#pragma once

#include "aten.hpp"

namespace assay::model {

// x [.., in], weight [out, in], bias [out] or undefined -> [.., out]. Any dtype and device; falls
// back to at::linear where oneDNN does not apply. Differentiable (model/autograd_linear).
at::Tensor fast_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias = {});

// residual + x Wᵀ + bias in one pass over the output where that is possible.
at::Tensor fast_linear_add(const at::Tensor &residual, const at::Tensor &x,
                           const at::Tensor &weight, const at::Tensor &bias = {});

// The same product of factors rounded to bfloat16, sums in fp32: x [.., in] and weight [out, in] in
// fp32 or bfloat16 -> [.., out] fp32. The rounding is one of bfloat16 as well. Where
// has_narrow_linear(), otherwise an error: an emulation would be slower than fp32.
at::Tensor narrow_linear(const at::Tensor &x, const at::Tensor &weight);
bool has_narrow_linear();

}  // namespace assay::model
