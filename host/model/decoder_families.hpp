// Describes the families of decoders that the forward pass can run, one row for each. A row
// holds what the family's code in transformers fixes (checkpoint/FORMATS.md, "Decoder
// families"); everything else comes from config.json (decoder_config.cpp). A new family that is
// built from the same parts is one more row.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/decoder_config.hpp"

namespace assay::model {

// Says whether linears have a bias: a key of config.json decides, or the family fixes it.
struct bias_rule {
  const char *key = nullptr;  // key of config.json; null = the family fixes it, in `absent`
  bool absent = false;        // true = there is a bias where no key says otherwise
};
inline constexpr bias_rule k_no_bias{}, k_always_bias{nullptr, true};

// Which layers have a sliding window: none; all, if sliding_window is set; those that the keys
// use_sliding_window, layer_types and max_window_layers choose; or those that layer_types names,
// without that key all but every nth (family_maths::full_every); or all, if use_sliding_window is true.
enum class window_rule { none, all_layers, upper_layers, all_but_nth, all_if_used };

// The values that the family's configuration class fills in for absent keys of config.json.
// A key that is null means no window, no token, or that n_kv_heads or head_dim follows from other
// sizes. A null max_position_embeddings counts as absent; null for any other size is refused.
struct config_defaults {
  int64_t vocab_size, hidden_size, intermediate_size, n_layers, n_heads;
  int64_t n_kv_heads;              // 0 = as many as heads
  int64_t head_dim;                // 0 = hidden_size / heads
  int64_t max_positions;           // tokens
  int64_t window;                  // tokens, for layers with a window; 0 = none
  int64_t bos_id, eos_id, pad_id;  // -1 = none
};

// A key of config.json that changes the computation and that not every family reads. absent: its
// value where the key is absent; 0 where it has no number.
struct family_key {
  const char *name;
  double absent;
};

// How a family with experts names them and weighs their outputs.
struct expert_rule {
  expert_names names{};
  const char *size_key = nullptr;  // key of an expert's hidden channels; null = intermediate_size
  bool always_normalized = false;  // false: the key norm_topk_prob decides
};

// How the formulas of a family differ from those of Llama.
struct family_maths {
  norm_order norms = norm_order::before;
  double norm_offset = 0, eps = 1e-6, theta = 10000;  // eps and theta: where the keys are absent
  activation act = activation::silu;
  bool scaled_embedding = false;  // rows of the embedding are multiplied by sqrt(hidden_size)
  bool whole_qk_norm = false, local_rope = false, tied = false;  // tied: where no key says it
  int64_t full_every = 0;  // each nth layer has no window (all_but_nth)
  std::span<const family_key> keys{};
  const expert_rule *experts = nullptr;  // null = the family has none
};

struct decoder_family {
  const char *model_type, *class_name;
  bias_rule qkv_bias, o_bias, mlp_bias;
  bool qk_norm;  // RMSNorm of q and k, before RoPE
  window_rule windows;
  config_defaults defaults;
  family_maths maths{};

  // Returns the key if the family reads it, else null.
  const family_key *key(std::string_view name) const {
    for (const family_key &known : maths.keys)
      if (name == known.name) return &known;
    return nullptr;
  }
};

std::span<const decoder_family> decoder_families();

}  // namespace assay::model
