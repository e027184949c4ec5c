// Computes one linear of the decoder (a weight matrix and its bias): y = x Wᵀ + b. A quantization
// recipe changes the computation through the linear's hooks.
#pragma once

#include <compare>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "aten.hpp"
#include "packed/packed_weight.hpp"

namespace assay::model {

// The linears of a group read the same input, so that one set of statistics serves all of them.
enum class linear_group { qkv, o, gate_up, down, head };
const char *group_name(linear_group group);  // "qkv" "o" "gate_up" "down" "head"

// An input that linears read. The linears of an expert have inputs of their own, which are the tokens that the router gave to it.
struct linear_input {
  linear_group group = linear_group::head;
  int64_t expert = -1;  // place of the expert in its layer; -1 = all tokens
  auto operator<=>(const linear_input &) const = default;
};

// Returns a tensor with the shape and dtype of another but without values, on the meta device.
inline at::Tensor without_values(const at::Tensor &tensor) {
  return at::empty(tensor.sizes(), tensor.options().device(at::kMeta));
}

struct linear_op {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  // "attn.q" "attn.k" "attn.v" "attn.o" "mlp.gate" "mlp.up" "mlp.down" "moe.router" "lm_head". An expert has the roles of an MLP.
  std::string role;
  int64_t block = -1;  // layer index; -1 for the head
  linear_group group = linear_group::head;
  int64_t expert = -1;  // place of its expert in the layer; -1 = it belongs to none
  // [out, in]; may be a view of the mapped checkpoint file. If `packed` is set, it has only a shape.
  at::Tensor weight;
  std::shared_ptr<const packed_weight> packed;  // replaces weight: codes, or floats as stored
  at::Tensor bias;                              // [out], undefined = none
  // Changes the input without changing the linear's result, because the weight contains the
  // inverse: for example a rotation. Calibration sees the changed input. Empty = none.
  std::function<at::Tensor(const at::Tensor &input)> input_operation;
  // Changes the input after input_operation, for example rounds it to simulate quantized
  // activations. Empty = none.
  std::function<at::Tensor(const at::Tensor &input)> on_input;
  // Replaces x Wᵀ + b, for example by a kernel on packed weights. It gets the input after the other
  // two hooks. Empty = no replacement.
  std::function<at::Tensor(const at::Tensor &input)> on_forward;

  // True if on_input rounds each token symmetrically to int8. A packed weight that can multiply int8
  // then rounds the input itself and multiplies whole numbers; on_input is not called.
  bool rounds_to_int8 = false;

  linear_input input() const { return {group, expert}; }
  int64_t in_features() const { return weight.size(1); }
  int64_t out_features() const { return weight.size(0); }
  bool plain() const { return !input_operation && !on_input && !on_forward && !packed; }
  // Returns the input after both input hooks, as the product receives it.
  at::Tensor seen(const at::Tensor &x) const {
    const at::Tensor turned = input_operation ? input_operation(x) : x;
    return on_input ? on_input(turned) : turned;
  }
  // A hook must return a new tensor, because the block changes results in place.
  at::Tensor operator()(const at::Tensor &x /*[.., in]*/) const;             // [.., out]
  at::Tensor add_to(const at::Tensor &residual, const at::Tensor &x) const;  // residual + y
};

// Returns the results of several linears with the same input x, each as its operator() gives it. Packed linears without hooks
// run side by side.
std::vector<at::Tensor> results_of(std::initializer_list<const linear_op *> linears,
                                   const at::Tensor &x);

}  // namespace assay::model
