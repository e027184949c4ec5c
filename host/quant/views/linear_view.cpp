// Fills the ABI structs of a linear, its statistics and its form. The pointers in a struct lead to
// members of the same view, except arch_json.
#include "quant/views/linear_view.hpp"

#include <algorithm>

#include "model/decoder_layout.hpp"

namespace assay::quant {

json arch_facts(const model::decoder_config &c) {
  return {{"family", c.family},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.intermediate_size},
          {"experts", c.experts.count},
          {"experts_per_token", c.experts.per_token},
          {"expert_size", c.experts.size},
          {"dense_layers",
           c.n_layers - std::count(c.experts.layers.begin(), c.experts.layers.end(), true)},
          {"layers", c.n_layers},
          {"heads", c.n_heads},
          {"kv_heads", c.n_kv_heads},
          {"head_dim", c.head_dim},
          {"vocab_size", c.vocab_size},
          {"qk_norm", c.qk_norm},
          {"qkv_bias", c.qkv_bias},
          {"qkv_clip", c.qkv_clip},
          {"norm", "rms"},
          {"pre_norms", c.norms != model::norm_order::after},
          {"post_norms", c.norms != model::norm_order::before},
          {"tied", c.tied}};
}

std::string tie_group(const model::linear_op &linear) {
  using model::linear_group;
  if (linear.group == linear_group::qkv) return std::to_string(linear.block) + ".attn.qkv";
  if (linear.role == model::k_router_role || linear.group != linear_group::gate_up) return "";
  const std::string expert =
      linear.expert < 0 ? "" : "experts." + std::to_string(linear.expert) + ".";
  return std::to_string(linear.block) + ".mlp." + expert + "gate_up";
}

linear_view::linear_view(const model::linear_op &linear, int32_t index, at::Tensor weight,
                         const std::string &arch_json, double tie_abs_max)
    : name_(linear.name),
      role_(linear.role),
      tie_group_(tie_group(linear)),
      weight_(std::move(weight)) {
  if (linear.bias.defined()) bias_ = plug::tensor_ref(linear.bias.to(at::kFloat).contiguous());
  layer_.struct_size = sizeof layer_;
  layer_.flags = linear.role == "lm_head" ? ASSAY_LINEAR_LM_HEAD
                 : linear.role == "embed" ? ASSAY_LINEAR_EMBEDDING
                                          : 0u;
  if (linear.expert >= 0) layer_.flags |= ASSAY_LINEAR_EXPERT;
  layer_.index = index;
  layer_.block_index = static_cast<int32_t>(linear.block);
  layer_.name = name_.c_str();
  layer_.role = role_.c_str();
  layer_.tie_group = tie_group_.c_str();
  layer_.arch_json = arch_json.c_str();
  layer_.in_features = linear.in_features();
  layer_.out_features = linear.out_features();
  layer_.weight = weight_.get();
  layer_.bias = bias_.get();
  layer_.tie_abs_max = tie_abs_max;
}

void linear_view::set_clip(at::Tensor min, at::Tensor max, int64_t group_size) {
  clip_min_ = plug::tensor_ref(std::move(min));
  clip_max_ = plug::tensor_ref(std::move(max));
  layer_.clip_min = clip_min_.get();
  layer_.clip_max = clip_max_.get();
  layer_.clip_group_size = group_size;
}

void linear_view::set_start(const quantized_linear &form) {
  start_.emplace(view_of(form));
  layer_.start = start_->get();
}

plug::form_view view_of(const quantized_linear &linear) {
  plug::form_view view(linear.out_features, linear.in_features, linear.note.dump());
  for (const auto &part : linear.tensors)
    view.add(part.role, plug::tensor_ref(part.tensor).share(), part.packed_bits);
  return view;
}

stats_view::stats_view(const input_statistics &sums, const input_statistics *first,
                       propagation_policy propagation, int64_t n_sequences) {
  kept_.reserve(10);  // room for all tensors, so that pointers to elements stay valid
  const auto keep = [&](const at::Tensor &tensor) -> const assay_tensor * {
    if (!tensor.defined()) return nullptr;
    kept_.emplace_back(tensor.contiguous());
    return kept_.back().get();
  };
  stats_.struct_size = sizeof stats_;
  stats_.propagation = propagation == propagation_policy::fp          ? ASSAY_PROPAGATE_FLOAT
                       : propagation == propagation_policy::quantized ? ASSAY_PROPAGATE_QUANTIZED
                                                                      : ASSAY_PROPAGATE_ASYMMETRIC;
  stats_.n_tokens = sums.n_tokens;
  stats_.n_sequences = n_sequences;
  stats_.hessian = keep(sums.hessian);
  stats_.hessian_first = first ? keep(first->hessian) : nullptr;
  stats_.cross = keep(sums.cross);
  stats_.abs_max = keep(sums.abs_max);
  stats_.abs_mean = keep(sums.abs_mean);
  stats_.sq_mean = keep(sums.sq_mean);
  stats_.min = keep(sums.min);
  stats_.max = keep(sums.max);
  stats_.mean = keep(sums.mean);
}

statistics_needs needs_of(const assay_needs &needs) {
  statistics_needs out;
  const auto asked = [&](uint32_t bit) { return (needs.statistics & bit) != 0; };
  out.hessian = asked(ASSAY_NEED_HESSIAN);
  out.cross = asked(ASSAY_NEED_CROSS);
  out.abs_max = asked(ASSAY_NEED_ABS_MAX);
  out.abs_mean = asked(ASSAY_NEED_ABS_MEAN);
  out.sq_mean = asked(ASSAY_NEED_SQ_MEAN);
  out.min_max = asked(ASSAY_NEED_MIN_MAX);
  out.raw_input = asked(ASSAY_NEED_RAW_INPUT);
  out.mean = asked(ASSAY_NEED_MEAN);
  return out;
}

}  // namespace assay::quant
