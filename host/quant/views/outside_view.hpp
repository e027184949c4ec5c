// Shows embedding, final norm and head, which lie outside the blocks, to a transform of the whole
// model. The plugin interface (ABI) calls them block -1.
#pragma once

#include "quant/streaming/block_residency.hpp"
#include "quant/views/block_view.hpp"

namespace assay::quant {

class outside_view {
 public:
  // Makes writable f32 copies. A head that shares the embedding's matrix (tied) gets a copy of its
  // own. Groups of channels: "norm" (final norm -> head) and "residual" (embedding -> head).
  outside_view(const model::decoder &decoder, const std::string &arch_json,
               const std::string &quantizer_json);  // borrows both texts
  outside_view(const outside_view &) = delete;
  const assay_block &get() const { return block_; }
  // Replaces the decoder's tensors by the copies. If the head no longer equals the embedding, it is
  // untied, and its bytes count from then on.
  void put_into(model::decoder &decoder, block_residency &residency) const;

 private:
  at::Tensor embedding_, head_, norm_;
  model::linear_op shown_embedding_, shown_head_;
  std::unique_ptr<linear_view> embedding_view_, head_view_;
  plug::tensor_ref norm_ref_;
  assay_norm abi_norm_{};
  assay_group residual_{}, norm_group_{};
  const assay_linear *layers_[2]{};
  const assay_norm *norms_[1]{};
  const assay_group *groups_[2]{};
  assay_block block_{};
};

}  // namespace assay::quant
