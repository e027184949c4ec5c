// Lists the parts of a decoder block as data: its linears, with their names in the checkpoint,
// roles, groups, sizes and biases, and its norms (checkpoint/FORMATS.md, "Decoder families"). The
// loader and the description of a model loop over these lists. decoder_families.hpp says which
// parts a family has.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/decoder_block.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

// A number of rows or columns that depends on the model's config; width_of gives the number.
enum class width {
  hidden,
  mlp,      // intermediate_size
  expert,   // hidden channels of an expert
  experts,  // experts of a layer
  queries,  // heads * head_dim
  keys,     // key and value heads * head_dim
  head,     // head_dim
  q_norm,   // what the norms of q and of k cover: one head or all of them
  k_norm
};
int64_t width_of(const decoder_config &config, width which);

struct linear_layout {
  linear_op decoder_block::*part;
  const char *module;  // name within the block: "self_attn.q_proj"
  const char *role;    // "attn.q"
  linear_group group;
  width out, in;
  bool decoder_config::*bias;  // the flag that says whether the linear has a bias
};

// The linears of a layer without experts, in the order of decoder_block::linears().
inline constexpr std::array<linear_layout, 7> k_linears{{
    {&decoder_block::q, "self_attn.q_proj", "attn.q", linear_group::qkv, width::queries,
     width::hidden, &decoder_config::qkv_bias},
    {&decoder_block::k, "self_attn.k_proj", "attn.k", linear_group::qkv, width::keys, width::hidden,
     &decoder_config::qkv_bias},
    {&decoder_block::v, "self_attn.v_proj", "attn.v", linear_group::qkv, width::keys, width::hidden,
     &decoder_config::qkv_bias},
    {&decoder_block::o, "self_attn.o_proj", "attn.o", linear_group::o, width::hidden,
     width::queries, &decoder_config::o_bias},
    {&decoder_block::gate, "mlp.gate_proj", "mlp.gate", linear_group::gate_up, width::mlp,
     width::hidden, &decoder_config::mlp_bias},
    {&decoder_block::up, "mlp.up_proj", "mlp.up", linear_group::gate_up, width::mlp, width::hidden,
     &decoder_config::mlp_bias},
    {&decoder_block::down, "mlp.down_proj", "mlp.down", linear_group::down, width::hidden,
     width::mlp, &decoder_config::mlp_bias},
}};
inline constexpr const char *k_router_role = "moe.router";

// A linear of one layer of a model.
struct layer_linear {
  std::string module;  // name within the block
  const char *role;
  linear_group group;
  int64_t expert;  // -1 = of no expert
  int64_t out, in;
  bool bias;
  std::function<linear_op &(decoder_block &)> part;  // the experts of the block must be there
};
// Returns the linears of a layer, in the order of decoder_block::linears().
std::vector<layer_linear> linears_of(const decoder_config &config, int64_t layer);
// Returns the place of the layer's first linear among the linears of the model.
int64_t first_linear_of(const decoder_config &config, int64_t layer);
// Returns the role of a linear by the end of its name, for all families; "" if it is none of a block.
std::string block_role_of(const std::string &name);

struct norm_layout {
  at::Tensor decoder_block::*part;
  const char *module;  // name within the block
  width size;
};

// Returns the norms that a block of this model has, in the order of the forward pass. The same name
// stands for another norm in another norm_order.
std::vector<norm_layout> norms_of(const decoder_config &config);
std::vector<norm_layout> norms_of(const decoder_block &block);
// True for a norm whose output only linears read, so that its weights can be folded into theirs.
bool feeds_linears(const norm_layout &norm);

inline constexpr const char *k_embedding_name = "model.embed_tokens";
inline constexpr const char *k_final_norm_name = "model.norm";
inline constexpr const char *k_head_name = "lm_head";

std::string block_prefix(int64_t layer);  // "model.layers.0."

}  // namespace assay::model
