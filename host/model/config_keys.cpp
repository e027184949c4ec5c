// Lists keys of other architectures with the value under which they change nothing, and words that
// tell what an unknown key is about.
#include "model/config_keys.hpp"

#include <algorithm>
#include <string_view>

namespace assay::model {
namespace {

// Such a key is accepted with its neutral value, given as JSON; null is always neutral.
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

// These keys are read by decoder_config.cpp, or do not change what a forward pass computes.
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
                                           "context_window"};

// Words in the names of keys by which architectures depart from this shape.
constexpr std::string_view k_words[] = {
    "expert", "moe",    "router", "softcap",    "soft_cap", "scale",     "scaling",   "multiplier",
    "ratio",  "rope",   "rotary", "alibi",      "attn",     "attention", "window",    "sink",
    "norm",   "bias",   "clip",   "activation", "residual", "lora_rank", "ssm",       "mamba",
    "conv_",  "conv1d", "chunk",  "pruned",     "altup",    "laurel",    "per_layer", "softmax"};
// Words of training and of kernels: such keys do not change the function.
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

// True for a value that is absent, switched off or empty; 1 counts where the value would
// be a factor.
bool says_nothing(const std::string &key, const json &value) {
  if (value.is_null() || value == false || value == 0) return true;
  if ((value.is_string() || value.is_structured()) && value.empty()) return true;
  if (value.is_string() && value.get<std::string>().empty()) return true;
  constexpr std::string_view k_factors[] = {"scale", "scaling", "multiplier",
                                            "ratio", "factor",  "_pct"};
  return value == 1 && holds_any(key, k_factors);
}

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

std::optional<std::string> foreign_maths(const json &config) {
  for (const auto &[key, value] : config.items())
    if (changes_maths(key, value)) return "config.json: '" + key + "' = " + value.dump();
  return std::nullopt;
}

}  // namespace assay::model
