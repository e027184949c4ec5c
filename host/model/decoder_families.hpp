// Describes the families of decoders that the forward pass can run, one row each, with what their
// modeling files hard-code (checkpoint/FORMATS.md, "Decoder families"). A new decoder of this shape
// is one more row; everything else comes from config.json (decoder_config.cpp).
#pragma once

#include <cstdint>
#include <span>

namespace assay::model {

// Says whether linears have a bias: a constant of the family, or a key of config.json.
struct bias_rule {
  const char *key = nullptr;  // null: `absent` holds always
  bool absent = false;        // the value where the key is absent
};
inline constexpr bias_rule k_no_bias{}, k_always_bias{nullptr, true};

// The layers that have a window: none; all, where sliding_window is set; or those that
// use_sliding_window, layer_types and max_window_layers choose.
enum class window_rule { none, all_layers, upper_layers };

// What the family's configuration class fills in where config.json leaves a key out. A key that is there and null is another
// thing: no window, no token, and heads or sizes that follow from the others.
struct config_defaults {
  int64_t vocab_size, hidden_size, intermediate_size, n_layers, n_heads;
  int64_t n_kv_heads;              // 0 = as many as heads
  int64_t head_dim;                // 0 = hidden_size / heads
  int64_t max_positions;           // tokens
  int64_t window;                  // tokens, of the layers that see one; 0 = none
  int64_t bos_id, eos_id, pad_id;  // -1 = none
};

struct decoder_family {
  const char *model_type, *class_name;
  bias_rule qkv_bias, o_bias, mlp_bias;
  bool qk_norm;  // RMSNorm over each head of q and k, before RoPE
  window_rule windows;
  config_defaults defaults;
};

std::span<const decoder_family> decoder_families();

}  // namespace assay::model
