// What lies outside the blocks, as a transform of the whole model sees it: embedding, final norm, head (block -1).
// Not the blocks (block_view.hpp).
#pragma once

#include "quant/streaming/edited_blocks.hpp"
#include "quant/views/block_view.hpp"

namespace assay::quant {

class outside_view {
 public:
  // Writable f32 copies; a tied head gets a copy of its own. Groups: "residual" (embedding -> head) and "norm".
  outside_view(const model::decoder &decoder, const std::string &arch_json,
               const std::string &quantizer_json);  // the texts: borrow
  outside_view(const outside_view &) = delete;
  const assay_block &get() const { return block_; }
  // Puts the copies in place. A head that no longer equals the embedding is untied, its bytes count from then on.
  // kept: where the tables of a decoder on demand go; null for others.
  void put_into(model::decoder &decoder, edited_blocks *kept) const;

 private:
  at::Tensor embedding_, head_, norm_;
  model::linear_op shown_embedding_, shown_head_;
  std::unique_ptr<layer_view> embedding_view_, head_view_;
  plug::tensor_ref norm_ref_;
  assay_norm abi_norm_{};
  assay_group residual_{}, norm_group_{};
  const assay_layer *layers_[2]{};
  const assay_norm *norms_[1]{};
  const assay_group *groups_[2]{};
  assay_block block_{};
};

}  // namespace assay::quant
