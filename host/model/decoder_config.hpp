// Turns config.json into the numbers that the forward pass needs. It checks them against the
// supported families of decoders (decoder_families.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "model/rope.hpp"

namespace assay::model {

// Where the norms of a layer lie: before attention and MLP; before and after each of them
// ("around"); or only after.
enum class norm_order { before, around, after };
// What the gate of the MLP goes through. gelu_tanh is GELU in its tanh approximation.
enum class activation { silu, gelu_tanh };
// Which RoPE turns the queries and keys of a layer: rope, local_rope, or none.
enum class rope_choice { main, local, none };

struct decoder_config {
  std::string family;  // model_type of config.json; names a row of decoder_families()
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  int64_t n_layers = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0;
  int64_t max_positions = 0;  // tokens
  double rms_norm_eps = 1e-6;
  norm_order norms = norm_order::before;
  double norm_offset = 0;  // a norm multiplies by norm_offset + its weight
  activation act = activation::silu;
  rope_config rope, local_rope;
  std::vector<rope_choice> ropes;  // for each layer
  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  bool qk_norm = false;        // RMSNorm on q and k, before RoPE
  bool whole_qk_norm = false;  // that norm is over all heads together, not over each head
  bool tied = false;           // the head (lm_head) is the embedding
  bool joined_parts = false;   // the files hold q, k and v as one matrix, and gate and up as one
  // For each layer: how many tokens a query sees, itself included; 0 = itself and all before it.
  std::vector<int64_t> windows;
  // Factors: of the embedding's rows; of what attention and MLP add to the residual stream; of the
  // scores q kᵀ; of the logits.
  double embedding_factor = 1, residual_factor = 1, score_factor = 1, logit_factor = 1;
  // Soft caps: x becomes cap * tanh(x / cap), for scores before the mask and for logits; 0 = none.
  double score_cap = 0, logit_cap = 0;
  // config.json says that the head is tied, but the weights hold another head, which is used
  // (read_decoder_config sets this).
  bool untied_by_weights = false;
  std::vector<int64_t> eos_ids;
  std::optional<int64_t> bos_id, pad_id;
  std::string stored_dtype;  // dtype or torch_dtype of config.json; "" if it has neither

  int64_t q_size() const { return n_heads * head_dim; }
  int64_t kv_size() const { return n_kv_heads * head_dim; }
  // True if the logits are more than the product with the head.
  bool changes_logits() const { return logit_factor != 1 || logit_cap > 0; }
};

// `where` is the path that an error names. Throws error(failed) for an unknown model_type, for a key that asks for a
// computation which is not implemented (experts, another activation), and for a value of a
// wrong type or size.
decoder_config parse_decoder_config(const json &config, const std::string &where);

std::string supported_families();  // "llama, mistral, ..."

}  // namespace assay::model
