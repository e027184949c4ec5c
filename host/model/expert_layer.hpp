// Holds the experts of a layer (mixture of experts): a router gives each token to the few experts with the highest scores, and the
// layer's output is the weighted sum of their outputs. Source of the formulas: huggingface/transformers,
// models/{mixtral,qwen3_moe,olmoe}/modeling_*.py (checkpoint/FORMATS.md, "Experts").
#pragma once

#include <vector>

#include "aten.hpp"
#include "model/decoder_config.hpp"
#include "model/linear_op.hpp"

namespace assay::model {

struct expert_mlp {
  linear_op gate, up, down;
};

// Which of the tokens an expert receives: places in the flat list of tokens, ascending, and the weights of its outputs.
struct routed_tokens {
  at::Tensor places;   // [n] int64
  at::Tensor weights;  // [n, 1] in the model's dtype
  int64_t count() const { return places.size(0); }
};

struct expert_layer {
  linear_op router;  // [experts, hidden]
  std::vector<expert_mlp> experts;
  int64_t per_token = 0;    // experts that a token goes to
  bool normalized = false;  // the weights of a token are divided by their sum
  activation act = activation::silu;

  // x [.., hidden] -> the tokens of each expert. Scores are softmax(router(x)) in fp32. Differentiable in the weights.
  std::vector<routed_tokens> route(const at::Tensor &x) const;
  // x [n, hidden], tokens of this expert -> act(gate(x)) * up(x), [n, width]: input of the expert's down.
  at::Tensor hidden(size_t expert, const at::Tensor &x) const;
  // Adds weight * y to the rows of `sum` [tokens, hidden] that the tokens name. y [n, hidden]: the expert's outputs. Use the
  // returned tensor only; it may be `sum`, changed in place.
  static at::Tensor add_weighted(at::Tensor sum, const routed_tokens &tokens, const at::Tensor &y);
  // x [.., hidden] -> the weighted sum of the experts' outputs, of the same shape. Experts are computed one after
  // another in ascending order, each on all of its tokens at once; an expert without tokens is not computed.
  at::Tensor forward(const at::Tensor &x) const;
};

}  // namespace assay::model
