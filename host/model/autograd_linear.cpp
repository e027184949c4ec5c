// The three products of a linear's forward and backward. The only file that includes a header of
// torch/csrc: ATen alone cannot define a differentiable function.
#include "model/autograd_linear.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include "model/matmul.hpp"

namespace assay::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor rows_of(const at::Tensor &x) {
  return x.reshape({-1, x.size(-1)});
}

struct product : torch::autograd::Function<product> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x,
                            const at::Tensor &weight) {
    context->save_for_backward({x, weight});
    return fast_linear(x, weight);
  }

  // dx = dy W, dW = dyᵀ x; each as a product with a transposed right side.
  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dy = gradients[0].contiguous();
    variable_list out(2);
    if (context->needs_input_grad(0)) out[0] = fast_linear(dy, weight.t().contiguous());
    if (context->needs_input_grad(1))
      out[1] = fast_linear(rows_of(dy).t().contiguous(), rows_of(x).t().contiguous());
    return out;
  }
};

}  // namespace

at::Tensor autograd_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  const at::Tensor y = product::apply(x, weight);
  return bias.defined() ? y + bias : y;
}

}  // namespace assay::model
