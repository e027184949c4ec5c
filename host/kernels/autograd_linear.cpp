// The three products of a linear's forward and backward. Beside autograd_attention.cpp the only file
// that includes a header of torch/csrc: ATen alone cannot define a differentiable function.
#include "kernels/autograd_linear.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include "kernels/matmul.hpp"

namespace assay::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

thread_local bool narrow = false;

at::Tensor rows_of(const at::Tensor &x) {
  return x.reshape({-1, x.size(-1)});
}

struct product : torch::autograd::Function<product> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x,
                            const at::Tensor &weight) {
    const auto dtype = narrow ? at::kBFloat16 : x.scalar_type();
    const at::Tensor left = x.to(dtype), right = weight.to(dtype);
    context->save_for_backward({left, right});
    return multiply_factors(left, right);
  }

  // dx = dy W, dW = dyᵀ x; each as a product with a transposed right side.
  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dy = gradients[0].to(x.scalar_type()).contiguous();
    variable_list out(2);
    if (context->needs_input_grad(0)) out[0] = multiply_factors(dy, weight.t().contiguous());
    if (context->needs_input_grad(1))
      out[1] = multiply_factors(rows_of(dy).t().contiguous(), rows_of(x).t().contiguous());
    return out;
  }
};

}  // namespace

at::Tensor multiply_factors(const at::Tensor &x, const at::Tensor &weight) {
  return x.scalar_type() == at::kBFloat16 ? narrow_linear(x, weight) : fast_linear(x, weight);
}

at::Tensor autograd_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  const at::Tensor y = product::apply(x, weight);
  return bias.defined() ? y + bias : y;
}

narrow_gradients::narrow_gradients(bool on) : before_(narrow) {
  narrow = on;
}

narrow_gradients::~narrow_gradients() {
  narrow = before_;
}

bool narrow_gradients::on() {
  return narrow;
}

}  // namespace assay::model
