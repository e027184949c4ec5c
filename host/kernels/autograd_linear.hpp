// x Wᵀ with a gradient, by oneDNN both ways. Not the forward without one (model/matmul).
#pragma once

#include "aten.hpp"

namespace assay::model {

// x [.., in], weight [out, in], bias [out] or undefined -> [.., out]; gradients of what asks for one.
// fp32 on the CPU, checked by fast_linear. at::linear's own gradient runs through
// MKL, at half the rate on AMD cores (95 against 260 GFLOP/s by CPU time on Zen 5).
at::Tensor autograd_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias);

// x Wᵀ in fp32 of factors that are both fp32 (fast_linear) or both bfloat16 (narrow_linear).
at::Tensor multiply_factors(const at::Tensor &x, const at::Tensor &weight);

// While one lives, products with a gradient made on this thread (of linears and of attention's
// backward) are narrow_linear's, and so are the products of their backward: factors in bfloat16, sums
// in fp32. For searches that read a gradient's sign, not for what is measured.
class narrow_gradients {
 public:
  explicit narrow_gradients(bool on);
  ~narrow_gradients();
  narrow_gradients(const narrow_gradients &) = delete;
  narrow_gradients &operator=(const narrow_gradients &) = delete;
  static bool on();

 private:
  bool before_;
};

}  // namespace assay::model
