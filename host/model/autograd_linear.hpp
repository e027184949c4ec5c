// x Wᵀ with a gradient, by oneDNN both ways. Not the forward without one (model/matmul).
#pragma once

#include "aten.hpp"

namespace assay::model {

// x [.., in], weight [out, in], bias [out] or undefined -> [.., out]; gradients of what asks for one.
// fp32 on the CPU, checked by fast_linear. at::linear's own gradient runs through
// MKL, at half the rate on AMD cores (95 against 260 GFLOP/s by CPU time on Zen 5).
at::Tensor autograd_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias);

}  // namespace assay::model
