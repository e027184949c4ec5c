// Computes one linear of the decoder, y = x Wᵀ + b, with hooks through which a recipe changes it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aten.hpp"
#include "packed/packed_weight.hpp"

namespace assay::model {

// The linears of a group have the same input, so that one set of statistics serves them all.
enum class linear_group { qkv, o, gate_up, down, head };
const char *group_name(linear_group group);  // static: "qkv" "o" "gate_up" "down" "head"

// A tensor with the shape and dtype of another but without values: it is on the meta device.
inline at::Tensor without_values(const at::Tensor &tensor) {
  return at::empty(tensor.sizes(), tensor.options().device(at::kMeta));
}

struct linear_op {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  std::string role;  // "attn.q" "attn.k" "attn.v" "attn.o" "mlp.gate" "mlp.up" "mlp.down" "lm_head"
  int64_t block = -1;  // layer index; -1 for the head
  linear_group group = linear_group::head;
  at::Tensor weight;  // [out, in]; may borrow the mapped checkpoint; without values where packed is
  std::shared_ptr<const packed_weight> packed;  // replaces weight: codes, or floats as stored
  at::Tensor bias;    // [out], undefined = none
  // An operation on the input that belongs to the float function (a rotation that the weight
  // undoes). Calibration sees its result. Empty = none.
  std::function<at::Tensor(const at::Tensor &input)> input_operation;
  // Applied to the input before the product, after input_operation: activation fake-quantization.
  // Empty = none.
  std::function<at::Tensor(const at::Tensor &input)> on_input;
  // Replaces the whole operation: a kernel on packed weights. Empty = the plain product.
  std::function<at::Tensor(const at::Tensor &input)> on_forward;

  int64_t in_features() const { return weight.size(1); }
  int64_t out_features() const { return weight.size(0); }
  bool plain() const { return !input_operation && !on_input && !on_forward && !packed; }
  // The input after both hooks, as the product receives it.
  at::Tensor seen(const at::Tensor &x) const {
    const at::Tensor turned = input_operation ? input_operation(x) : x;
    return on_input ? on_input(turned) : turned;
  }
  // A hook must return a new tensor, because the block changes results in place.
  at::Tensor operator()(const at::Tensor &x /*[.., in]*/) const;             // [.., out]
  at::Tensor add_to(const at::Tensor &residual, const at::Tensor &x) const;  // residual + y
};

}  // namespace assay::model
