// Computes the sizes of a decoder's parts from its config, and the name prefix of a block.
#include "model/decoder_layout.hpp"

#include <algorithm>

namespace assay::model {

int64_t width_of(const decoder_config &config, width which) {
  switch (which) {
    case width::hidden:
      return config.hidden_size;
    case width::mlp:
      return config.intermediate_size;
    case width::expert:
      return config.experts.size;
    case width::experts:
      return config.experts.count;
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

layer_linear plain_linear(const decoder_config &config, const linear_layout &layout) {
  return {layout.module,
          layout.role,
          layout.group,
          -1,
          width_of(config, layout.out),
          width_of(config, layout.in),
          config.*layout.bias,
          [part = layout.part](decoder_block &block) -> linear_op & { return block.*part; }};
}

layer_linear expert_linear(const decoder_config &config, int64_t expert, const char *name,
                           const char *role, linear_op expert_mlp::*part) {
  const bool down = part == &expert_mlp::down;
  const int64_t hidden = config.hidden_size, size = config.experts.size;
  return {
      std::string(config.experts.names.module) + ".experts." + std::to_string(expert) + "." + name,
      role,
      down ? linear_group::down : linear_group::gate_up,
      expert,
      down ? hidden : size,
      down ? size : hidden,
      false,
      [expert, part](decoder_block &block) -> linear_op & {
        return block.moe.experts[static_cast<size_t>(expert)].*part;
      }};
}

void add_experts(const decoder_config &config, std::vector<layer_linear> &out) {
  const expert_names &names = config.experts.names;
  out.push_back({std::string(names.module) + ".gate", k_router_role, linear_group::gate_up, -1,
                 config.experts.count, config.hidden_size, false,
                 [](decoder_block &block) -> linear_op & { return block.moe.router; }});
  for (int64_t i = 0; i < config.experts.count; ++i) {
    out.push_back(expert_linear(config, i, names.gate, "mlp.gate", &expert_mlp::gate));
    out.push_back(expert_linear(config, i, names.up, "mlp.up", &expert_mlp::up));
    out.push_back(expert_linear(config, i, names.down, "mlp.down", &expert_mlp::down));
  }
}

// Returns the name behind the number of an expert: "w1" of "model.layers.0.block_sparse_moe.experts.3.w1"; "" if there is none.
std::string name_in_expert(const std::string &name) {
  const size_t experts = name.rfind(".experts."), last = name.rfind('.');
  return experts == std::string::npos || last < experts + 9 ? "" : name.substr(last + 1);
}

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

std::vector<layer_linear> linears_of(const decoder_config &config, int64_t layer) {
  std::vector<layer_linear> out;
  const bool experts = config.has_experts(layer);
  for (const linear_layout &layout : k_linears)
    if (!experts || layout.group == linear_group::qkv || layout.group == linear_group::o)
      out.push_back(plain_linear(config, layout));
  if (experts) add_experts(config, out);
  return out;
}

int64_t first_linear_of(const decoder_config &config, int64_t layer) {
  const auto in_attention = static_cast<int64_t>(
      std::count_if(k_linears.begin(), k_linears.end(), [](const linear_layout &layout) {
        return layout.group == linear_group::qkv || layout.group == linear_group::o;
      }));
  int64_t first = 0;
  for (int64_t i = 0; i < layer; ++i)
    first += config.has_experts(i) ? in_attention + 1 + 3 * config.experts.count
                                   : static_cast<int64_t>(k_linears.size());
  return first;
}

std::string block_role_of(const std::string &name) {
  for (const linear_layout &layout : k_linears)
    if (name.ends_with(std::string(".") + layout.module)) return layout.role;
  for (const char *router : {".mlp.gate", ".block_sparse_moe.gate"})
    if (name.ends_with(router)) return k_router_role;
  const std::string last = name_in_expert(name);
  if (last == "gate_proj" || last == "w1") return "mlp.gate";
  if (last == "up_proj" || last == "w3") return "mlp.up";
  if (last == "down_proj" || last == "w2") return "mlp.down";
  return "";
}

std::string block_prefix(int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".";
}

}  // namespace assay::model
