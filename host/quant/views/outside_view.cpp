// Builds the ABI structs of block -1 (embedding, final norm, head) and puts edited tensors back.
#include "quant/views/outside_view.hpp"

#include "model/decoder_layout.hpp"

namespace assay::quant {
namespace {

model::linear_op shown_as(const char *name, const char *role, const at::Tensor &weight) {
  model::linear_op op;
  op.name = name;
  op.role = role;
  op.weight = weight;
  return op;
}

at::Tensor copy_of(const model::decoder &decoder, const char *name) {
  auto copy = decoder.outer_weight(name).to(at::kFloat).contiguous().clone();
  decoder.give_back_outer_weight(name);
  return copy;
}

}  // namespace

outside_view::outside_view(const model::decoder &decoder, const std::string &arch_json,
                           const std::string &quantizer_json)
    : embedding_(copy_of(decoder, model::k_embedding_name)),
      head_(copy_of(decoder, model::k_head_name)),
      norm_(decoder.norm().to(at::kFloat).contiguous().clone()),
      shown_embedding_(shown_as("model.embed_tokens", "embed", embedding_)),
      shown_head_(shown_as("lm_head", "lm_head", head_)),
      embedding_view_(std::make_unique<linear_view>(shown_embedding_, 0, embedding_, arch_json, 0)),
      head_view_(std::make_unique<linear_view>(shown_head_, 0, head_, arch_json, 0)),
      norm_ref_(norm_) {
  layers_[0] = &embedding_view_->get();
  layers_[1] = &head_view_->get();
  abi_norm_.struct_size = sizeof abi_norm_;
  abi_norm_.flags = decoder.config().norm_offset != 0 ? ASSAY_NORM_ONE_PLUS : 0;
  abi_norm_.name = "model.norm";
  abi_norm_.weight = norm_ref_.get();
  norms_[0] = &abi_norm_;
  for (auto *group : {&residual_, &norm_group_}) {
    group->struct_size = sizeof *group;
    group->n_consumers = 1;
    group->consumers = layers_ + 1;
    group->channels = decoder.config().hidden_size;
    group->heads = decoder.config().n_heads;
    group->kv_heads = decoder.config().n_kv_heads;
    group->head_dim = decoder.config().head_dim;
  }
  residual_.name = "outside.residual";
  residual_.kind = "residual";
  residual_.n_producers = 1;
  residual_.producers = layers_;
  norm_group_.name = "outside.head.in";
  norm_group_.kind = "norm";
  norm_group_.norm = &abi_norm_;
  groups_[0] = &norm_group_;  // first: a norm is folded before the residual stream is rotated
  groups_[1] = &residual_;
  block_.struct_size = sizeof block_;
  block_.index = -1;
  block_.n_blocks = static_cast<int32_t>(decoder.n_blocks());
  block_.n_linears = 2;
  block_.n_norms = 1;
  block_.n_groups = 2;
  block_.arch_json = arch_json.c_str();
  block_.linears = layers_;
  block_.norms = norms_;
  block_.groups = groups_;
  block_.quantizer_json = quantizer_json.empty() ? nullptr : quantizer_json.c_str();
}

void outside_view::put_into(model::decoder &decoder, block_residency &residency) const {
  const auto dtype = decoder.embedding().scalar_type();
  const bool untied = !decoder.config().tied || !at::equal(embedding_, head_);
  const auto put = [&](const char *name, const at::Tensor &weight) {
    return residency.store_outer_weight(decoder, name, weight.to(dtype));
  };
  decoder.embedding() = put(model::k_embedding_name, embedding_);
  decoder.norm() = norm_.to(decoder.norm().scalar_type());
  if (untied)
    decoder.set_head(put(model::k_head_name, head_));
  else
    decoder.head().weight = decoder.embedding();
}

}  // namespace assay::quant
