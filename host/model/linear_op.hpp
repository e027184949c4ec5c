// One linear of the decoder, y = x Wᵀ + b, with the places where a recipe may reach in.
// Not a quantizer: whoever replaces the weight or sets a hook knows why.
#pragma once

#include <functional>
#include <string>

#include "aten.hpp"

namespace assay::model {

// What linears have the same input: one statistic serves all of a group.
enum class linear_group { qkv, o, gate_up, down, head };
const char *group_name(linear_group group);  // static: "qkv" "o" "gate_up" "down" "head"

// A tensor's shape and dtype alone, on the meta device.
inline at::Tensor without_values(const at::Tensor &tensor) {
  return at::empty(tensor.sizes(), tensor.options().device(at::kMeta));
}

struct linear_op {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  std::string role;  // "attn.q" "attn.k" "attn.v" "attn.o" "mlp.gate" "mlp.up" "mlp.down" "lm_head"
  int64_t block = -1;  // layer index; -1 for the head
  linear_group group = linear_group::head;
  at::Tensor weight;  // [out, in]; may borrow the mapped checkpoint
  at::Tensor bias;    // [out], undefined = none
  // An operation on the input that belongs to the float function (a rotation that the weight undoes):
  // calibration sees its result. Empty = none.
  std::function<at::Tensor(const at::Tensor &input)> online;
  // Applied to the input before the product, after `online`: activation fake-quantization.
  // Empty = none.
  std::function<at::Tensor(const at::Tensor &input)> on_input;
  // Replaces the whole operation: a kernel on packed weights. Empty = the plain product.
  std::function<at::Tensor(const at::Tensor &input)> on_forward;

  int64_t in_features() const { return weight.size(1); }
  int64_t out_features() const { return weight.size(0); }
  bool plain() const { return !online && !on_input && !on_forward; }
  // What the product sees: the input after both hooks.
  at::Tensor seen(const at::Tensor &x) const {
    const at::Tensor turned = online ? online(x) : x;
    return on_input ? on_input(turned) : turned;
  }
  // Replaced results must be fresh tensors: the block goes on in place.
  at::Tensor operator()(const at::Tensor &x /*[.., in]*/) const;             // [.., out]
  at::Tensor add_to(const at::Tensor &residual, const at::Tensor &x) const;  // residual + y
};

}  // namespace assay::model
