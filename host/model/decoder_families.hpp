// Describes the families of decoders that the forward pass can run, one row each, with what their
// modeling files hard-code (checkpoint/FORMATS.md, "Decoder families"). A new decoder of this shape
// is one more row; everything else comes from config.json (decoder_config.cpp).
#pragma once

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

struct decoder_family {
  const char *model_type, *class_name;
  bias_rule qkv_bias, o_bias, mlp_bias;
  bool qk_norm;  // RMSNorm over each head of q and k, before RoPE
  window_rule windows;
};

std::span<const decoder_family> decoder_families();

}  // namespace assay::model
