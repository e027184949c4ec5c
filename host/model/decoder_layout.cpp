// Computes the sizes of a decoder's parts from its config, and the name prefix of a block.
#include "model/decoder_layout.hpp"

namespace assay::model {

int64_t width_of(const decoder_config &config, width which) {
  switch (which) {
    case width::hidden:
      return config.hidden_size;
    case width::mlp:
      return config.intermediate_size;
    case width::queries:
      return config.q_size();
    case width::keys:
      return config.kv_size();
    case width::head:
      return config.head_dim;
    case width::q_norm:
      return config.whole_qk_norm ? config.q_size() : config.head_dim;
    case width::k_norm:
      return config.whole_qk_norm ? config.kv_size() : config.head_dim;
  }
  return 0;
}

namespace {

std::vector<norm_layout> norms_in(norm_order order, bool qk_norm) {
  const bool before = order == norm_order::before, after = order == norm_order::after;
  std::vector<norm_layout> out;
  const auto add = [&](at::Tensor decoder_block::*part, const char *module, width size) {
    out.push_back({part, module, size});
  };
  if (!after) add(&decoder_block::attention_norm, "input_layernorm", width::hidden);
  if (qk_norm) {
    add(&decoder_block::q_norm, "self_attn.q_norm", width::q_norm);
    add(&decoder_block::k_norm, "self_attn.k_norm", width::k_norm);
  }
  if (before) {
    add(&decoder_block::mlp_norm, "post_attention_layernorm", width::hidden);
    return out;
  }
  add(&decoder_block::attention_out_norm, "post_attention_layernorm", width::hidden);
  if (!after) add(&decoder_block::mlp_norm, "pre_feedforward_layernorm", width::hidden);
  add(&decoder_block::mlp_out_norm, "post_feedforward_layernorm", width::hidden);
  return out;
}

}  // namespace

std::vector<norm_layout> norms_of(const decoder_config &config) {
  return norms_in(config.norms, config.qk_norm);
}

std::vector<norm_layout> norms_of(const decoder_block &block) {
  return norms_in(block.norm_places, block.q_norm.defined());
}

bool feeds_linears(const norm_layout &norm) {
  return norm.part == &decoder_block::attention_norm || norm.part == &decoder_block::mlp_norm;
}

std::string block_prefix(int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".";
}

}  // namespace assay::model
