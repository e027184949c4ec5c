// Lists keys of other architectures with their neutral value (the value that changes nothing), and
// words that show whether an unknown key is about the computation.
#include "model/config_keys.hpp"

#include <algorithm>
#include <string_view>

namespace assay::model {
namespace {

// A key of another architecture. It is accepted if its value is null or the neutral one, which is
// written here as JSON.
struct foreign_key {
  const char *key, *neutral;
};
constexpr foreign_key k_foreign_keys[] = {
    {"partial_rotary_factor", "1.0"},  {"logit_scale", "1.0"},
    {"logits_scaling", "1.0"},         {"embedding_multiplier", "1.0"},
    {"residual_multiplier", "1.0"},    {"attention_multiplier", "null"},
    {"query_pre_attn_scalar", "null"}, {"scale_emb", "1"},
    {"scale_depth", "null"},           {"no_rope_layers", "null"},
    {"is_encoder_decoder", "false"}};

// Keys that are accepted although their names contain one of k_words: decoder_config.cpp reads them,
// or they do not change what a forward pass computes.
constexpr std::string_view k_harmless[] = {"attention_bias",
                                           "attention_out_bias",
                                           "mlp_bias",
                                           "rms_norm_eps",
                                           "layer_norm_eps",
                                           "layer_norm_epsilon",
                                           "rope_theta",
                                           "rope_scaling",
                                           "rope_parameters",
                                           "sliding_window",
                                           "use_sliding_window",
                                           "max_window_layers",
                                           "num_attention_heads",
                                           "attn_implementation",
                                           "_attn_implementation",
                                           "_attn_implementation_autoset",
                                           "output_attentions",
                                           "output_router_logits",
                                           "router_jitter_noise",  // added in training only
                                           "context_window"};

// A key with one of these words probably asks for a computation that is not implemented here.
constexpr std::string_view k_words[] = {
    "expert", "moe",    "router", "softcap",    "soft_cap", "scale",     "scaling",   "multiplier",
    "ratio",  "rope",   "rotary", "alibi",      "attn",     "attention", "window",    "sink",
    "norm",   "bias",   "clip",   "activation", "residual", "lora_rank", "ssm",       "mamba",
    "conv_",  "conv1d", "chunk",  "pruned",     "altup",    "laurel",    "per_layer", "softmax"};
// Words about training and kernels. A key with such a word does not change the computed function.
constexpr std::string_view k_training[] = {"dropout", "pdrop", "flash", "fused",
                                           "loss",    "init",  "aux"};

bool holds(const std::string &key, std::string_view word) {
  return key.find(word) != std::string::npos;
}

template <size_t N>
bool holds_any(const std::string &key, const std::string_view (&words)[N]) {
  return std::any_of(std::begin(words), std::end(words),
                     [&](std::string_view word) { return holds(key, word); });
}

// Returns whether a value is neutral: null, false, 0 or empty. 1 is neutral too if the key's name
// says that the value is a factor.
bool says_nothing(const std::string &key, const json &value) {
  if (value.is_null() || value == false || value == 0) return true;
  if ((value.is_string() || value.is_structured()) && value.empty()) return true;
  if (value.is_string() && value.get<std::string>().empty()) return true;
  constexpr std::string_view k_factors[] = {"scale", "scaling", "multiplier",
                                            "ratio", "factor",  "_pct"};
  return value == 1 && holds_any(key, k_factors);
}

// Looks the key up in the two lists; a key that is in neither is judged by the words in its name.
bool changes_maths(const std::string &key, const json &value) {
  if (value.is_null()) return false;
  for (const foreign_key &row : k_foreign_keys)
    if (key == row.key) return value != json::parse(row.neutral);
  if (std::find(std::begin(k_harmless), std::end(k_harmless), key) != std::end(k_harmless))
    return false;
  std::string lower = key;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!holds_any(lower, k_words) || holds_any(lower, k_training)) return false;
  return !says_nothing(lower, value);
}

}  // namespace

std::optional<std::string> foreign_maths(const json &config, const decoder_family &family) {
  for (const auto &[key, value] : config.items())
    if (family.key(key) == nullptr && changes_maths(key, value))
      return "config.json: '" + key + "' = " + value.dump();
  return std::nullopt;
}

}  // namespace assay::model
