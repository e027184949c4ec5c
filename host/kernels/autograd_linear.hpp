// Computes x Wᵀ with a gradient, by oneDNN in the forward and the backward pass. Without a
// gradient: matmul.hpp.
#pragma once

#include "aten.hpp"

namespace assay::model {

// x [.., in], weight [out, in], bias [out] or undefined -> [.., out], with gradients of those that
// need one. fp32 on the CPU, which fast_linear checks. The gradient of at::linear runs through MKL,
// which is slower on AMD processors (reports/measurements/kernels.md).
at::Tensor autograd_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias);

// Returns x Wᵀ in fp32. Both factors are fp32 (then it calls fast_linear) or both bfloat16 (narrow_linear).
at::Tensor multiply_factors(const at::Tensor &x, const at::Tensor &weight);

// While an object with on = true lives, a linear that runs on this thread with a gradient calls
// narrow_linear for its product (factors in bfloat16, sums in fp32). Its backward pass does the same.
// Attention that runs on this thread calls narrow_linear in its backward pass only. Use this for
// searches that read only the sign of a gradient, never for measurements.
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
