// Computes the product of a linear, or calls the hook that replaces this product.
#include "model/linear_op.hpp"

#include "kernels/matmul.hpp"

namespace assay::model {

const char *group_name(linear_group group) {
  switch (group) {
    case linear_group::qkv:
      return "qkv";
    case linear_group::o:
      return "o";
    case linear_group::gate_up:
      return "gate_up";
    case linear_group::down:
      return "down";
    case linear_group::head:
      return "head";
  }
  return "?";
}

at::Tensor linear_op::operator()(const at::Tensor &x) const {
  if (packed && rounds_to_int8 && !on_forward && packed->multiplies_int8())
    return packed->product_int8(input_operation ? input_operation(x) : x, bias);
  const at::Tensor input = seen(x);
  if (on_forward) return on_forward(input);
  return packed ? packed->product(input, bias) : fast_linear(input, weight, bias);
}

std::vector<at::Tensor> results_of(std::initializer_list<const linear_op *> linears,
                                   const at::Tensor &x) {
  std::vector<const packed_weight *> weights;
  std::vector<at::Tensor> biases, out;
  for (const linear_op *linear : linears) {
    if (!linear->packed || linear->input_operation || linear->on_input || linear->on_forward) break;
    weights.push_back(linear->packed.get());
    biases.push_back(linear->bias);
  }
  if (weights.size() == linears.size()) return packed_weight::products(weights, x, biases);
  for (const linear_op *linear : linears) out.push_back((*linear)(x));
  return out;
}

at::Tensor linear_op::add_to(const at::Tensor &residual, const at::Tensor &x) const {
  if (on_forward || packed) return residual + (*this)(x);
  return fast_linear_add(residual, seen(x), weight, bias);
}

}  // namespace assay::model
