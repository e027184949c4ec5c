// The table of families, and the reading of config.json against it. formats.md 2.2, 2.4, 2.6.
#include "model/decoder_config.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"

namespace assay::model {
namespace {

enum class bias_rule { never, always, from_key };
enum class window_rule { none, all_layers, upper_layers };

// A family is what its modeling file hard-codes; everything else comes from config.json.
struct family {
  const char *model_type;
  bias_rule qkv_bias, o_bias;  // from_key: attention_bias
  bias_rule mlp_bias;          // from_key: mlp_bias
  bool qk_norm;
  window_rule windows;
};
constexpr std::array<family, 4> k_families{{
    {"llama", bias_rule::from_key, bias_rule::from_key, bias_rule::from_key, false,
     window_rule::none},
    {"mistral", bias_rule::never, bias_rule::never, bias_rule::never, false,
     window_rule::all_layers},
    {"qwen2", bias_rule::always, bias_rule::never, bias_rule::never, false,
     window_rule::upper_layers},
    {"qwen3", bias_rule::from_key, bias_rule::from_key, bias_rule::never, true,
     window_rule::upper_layers},
}};

// Keys of other architectures that would change the result. They may stand there with the neutral
// value.
struct foreign_key {
  const char *key, *neutral;  // neutral as JSON; null is always neutral
};
constexpr foreign_key k_foreign_keys[] = {{"num_experts", "0"},
                                          {"num_local_experts", "0"},
                                          {"n_routed_experts", "0"},
                                          {"partial_rotary_factor", "1.0"},
                                          {"attn_logit_softcapping", "null"},
                                          {"final_logit_softcapping", "null"},
                                          {"logit_scale", "1.0"},
                                          {"logits_scaling", "1.0"},
                                          {"embedding_multiplier", "1.0"},
                                          {"residual_multiplier", "1.0"},
                                          {"attention_multiplier", "null"},
                                          {"query_pre_attn_scalar", "null"},
                                          {"scale_emb", "1"},
                                          {"scale_depth", "null"},
                                          {"clip_qkv", "null"},
                                          {"kv_lora_rank", "null"},
                                          {"no_rope_layers", "null"},
                                          {"attention_sinks", "false"},
                                          {"alibi", "false"},
                                          {"use_parallel_residual", "false"},
                                          {"qk_layernorm", "false"},
                                          {"layernorm_type", "null"},
                                          {"norm_type", "null"},
                                          {"is_encoder_decoder", "false"}};

class config_reader {
 public:
  config_reader(const json &config, const std::string &where) : config_(config), where_(where) {}

  [[noreturn]] void refuse(const std::string &what, const std::string &hint) const {
    throw error(error_kind::failed, what).at(where_).hint(hint);
  }
  [[noreturn]] void unsupported(const std::string &what) const {
    refuse(what + " is not supported",
           "Supported are " + supported_families() +
               " with default, linear or llama3 RoPE, SiLU and dense MLPs");
  }

  bool has(const char *key) const { return config_.contains(key) && !config_[key].is_null(); }

  int64_t integer(const char *key) const {
    if (!has(key))
      refuse(std::string("config.json lacks '") + key + "'", "Copy the original config.json");
    return integer(key, 0);
  }
  int64_t integer(const char *key, int64_t fallback) const {
    if (!has(key)) return fallback;
    const json &value = config_[key];
    // 2^31 bounds every count of a real model and keeps products of two inside int64.
    if (!value.is_number_integer() || value.get<int64_t>() < 0 || value.get<int64_t>() > INT32_MAX)
      refuse(std::string("config.json: '") + key + "' is not a sensible whole number",
             "Copy the original config.json");
    return value.get<int64_t>();
  }
  double real(const json &object, const char *key, double fallback) const {
    if (!object.contains(key) || object[key].is_null()) return fallback;
    if (!object[key].is_number() || !std::isfinite(object[key].get<double>()))
      refuse(std::string("config.json: '") + key + "' is not a number",
             "Copy the original config.json");
    return object[key].get<double>();
  }
  bool boolean(const char *key, bool fallback) const {
    if (!has(key)) return fallback;
    if (!config_[key].is_boolean())
      refuse(std::string("config.json: '") + key + "' is not true or false",
             "Copy the original config.json");
    return config_[key].get<bool>();
  }
  std::string text(const char *key, const std::string &fallback) const {
    return has(key) && config_[key].is_string() ? config_[key].get<std::string>() : fallback;
  }
  std::vector<int64_t> ids(const char *key) const {
    std::vector<int64_t> out;
    if (!has(key)) return out;
    const json list = config_[key].is_array() ? config_[key] : json::array({config_[key]});
    for (const json &id : list) {
      if (!id.is_number_integer())
        refuse(std::string("config.json: '") + key + "' is not a token id",
               "Copy the original config.json");
      out.push_back(id.get<int64_t>());
    }
    return out;
  }
  bool bias(bias_rule rule, const char *key) const {
    return rule == bias_rule::always || (rule == bias_rule::from_key && boolean(key, false));
  }

  const family &find_family() const {
    const std::string type = text("model_type", "");
    for (const family &known : k_families)
      if (type == known.model_type) return known;
    unsupported("the architecture '" + (type.empty() ? std::string("without model_type") : type) +
                "'");
  }

  void check_foreign_keys() const {
    for (const foreign_key &row : k_foreign_keys) {
      if (!has(row.key)) continue;
      const json neutral = json::parse(row.neutral);
      if (config_[row.key] != neutral)
        unsupported(std::string("config.json: '") + row.key + "' = " + config_[row.key].dump());
    }
    const std::string act = text("hidden_act", "silu");
    if (act != "silu" && act != "swish") unsupported("config.json: the activation '" + act + "'");
  }

  rope_config rope() const {
    rope_config out;
    out.theta = real(config_, "rope_theta", out.theta);
    const bool modern = has("rope_parameters");  // wins where both stand there
    if (!modern && !has("rope_scaling")) return out;
    const json &spec = config_[modern ? "rope_parameters" : "rope_scaling"];
    if (!spec.is_object())
      refuse("config.json: the RoPE parameters are no object", "Copy the original config.json");
    for (const auto &[key, value] : spec.items())
      if (value.is_object())
        unsupported("config.json: RoPE parameters per layer type ('" + key + "')");
    out.theta = real(spec, "rope_theta", out.theta);
    const char *type_key = spec.contains("rope_type") ? "rope_type" : "type";
    if (spec.contains(type_key) && !spec[type_key].is_string())
      refuse(std::string("config.json: '") + type_key + "' is not a name",
             "Copy the original config.json");
    out.type = spec.value(type_key, std::string("default"));
    if (out.type != "default" && out.type != "linear" && out.type != "llama3")
      unsupported("config.json: the RoPE type '" + out.type + "'");
    if (real(spec, "partial_rotary_factor", 1) != 1)
      unsupported("config.json: a partial rotary factor");
    if (out.type == "default") return out;
    out.factor = real(spec, "factor", 1);
    if (!(out.factor >= 1))
      refuse("config.json: the RoPE factor must be at least 1", "Copy the original config.json");
    if (out.type == "linear") return out;
    out.low_freq_factor = real(spec, "low_freq_factor", 1);
    out.high_freq_factor = real(spec, "high_freq_factor", 4);
    out.original_max_positions =
        static_cast<int64_t>(real(spec, "original_max_position_embeddings", 8192));
    if (!(out.high_freq_factor > out.low_freq_factor))
      refuse("config.json: high_freq_factor must exceed low_freq_factor",
             "Copy the original config.json");
    return out;
  }

  std::vector<int64_t> windows(window_rule rule, int64_t n_layers) const {
    std::vector<int64_t> out(static_cast<size_t>(n_layers), 0);
    if (rule == window_rule::none || !has("sliding_window")) return out;
    const int64_t window = integer("sliding_window");
    if (window < 1)
      refuse("config.json: 'sliding_window' must be at least 1", "Copy the original config.json");
    if (rule == window_rule::all_layers) {
      std::fill(out.begin(), out.end(), window);
      return out;
    }
    if (!boolean("use_sliding_window", false)) return out;
    if (has("layer_types")) {
      const json &types = config_["layer_types"];
      if (!types.is_array() || types.size() != out.size())
        refuse("config.json: 'layer_types' does not name every layer",
               "Copy the original config.json");
      for (size_t i = 0; i < out.size(); ++i) {
        const bool sliding = types[i] == "sliding_attention";
        if (!sliding && types[i] != "full_attention")
          unsupported("config.json: the layer type " + types[i].dump());
        if (sliding) out[i] = window;
      }
      return out;
    }
    for (int64_t i = integer("max_window_layers", 28); i < n_layers; ++i)
      out[static_cast<size_t>(i)] = window;
    return out;
  }

  void check_sizes(const decoder_config &c) const {
    const std::pair<const char *, int64_t> sizes[] = {{"vocab_size", c.vocab_size},
                                                      {"hidden_size", c.hidden_size},
                                                      {"intermediate_size", c.intermediate_size},
                                                      {"num_hidden_layers", c.n_layers},
                                                      {"num_attention_heads", c.n_heads},
                                                      {"num_key_value_heads", c.n_kv_heads},
                                                      {"head_dim", c.head_dim}};
    for (const auto &[name, value] : sizes)
      if (value < 1)
        refuse(std::string("config.json: '") + name + "' must be at least 1",
               "Copy the original config.json");
    if (c.n_layers > 4096)
      refuse("config.json: more than 4096 layers", "Copy the original config.json");
    if (c.n_heads % c.n_kv_heads != 0)
      refuse("config.json: num_attention_heads is no multiple of num_key_value_heads",
             "Copy the original config.json");
    if (c.head_dim % 2 != 0)
      refuse("config.json: head_dim is odd", "Copy the original config.json");
  }

 private:
  const json &config_;
  const std::string &where_;
};

}  // namespace

std::string supported_families() {
  std::string list;
  for (const family &known : k_families)
    list += (list.empty() ? "" : ", ") + std::string(known.model_type);
  return list;
}

decoder_config parse_decoder_config(const json &config, const std::string &where) {
  const config_reader in(config, where);
  const family &known = in.find_family();
  in.check_foreign_keys();
  decoder_config out;
  out.family = known.model_type;
  out.vocab_size = in.integer("vocab_size");
  out.hidden_size = in.integer("hidden_size");
  out.intermediate_size = in.integer("intermediate_size");
  out.n_layers = in.integer("num_hidden_layers");
  out.n_heads = in.integer("num_attention_heads");
  out.n_kv_heads = in.integer("num_key_value_heads", out.n_heads);
  out.head_dim = in.integer("head_dim", out.n_heads > 0 ? out.hidden_size / out.n_heads : 0);
  in.check_sizes(out);
  out.max_positions = in.integer("max_position_embeddings", 2048);
  out.rms_norm_eps = in.real(config, "rms_norm_eps", 1e-6);
  out.rope = in.rope();
  out.qkv_bias = in.bias(known.qkv_bias, "attention_bias");
  out.o_bias = in.bias(known.o_bias, "attention_bias");
  out.mlp_bias = in.bias(known.mlp_bias, "mlp_bias");
  out.qk_norm = known.qk_norm;
  out.tied = in.boolean("tie_word_embeddings", false);
  out.windows = in.windows(known.windows, out.n_layers);
  out.eos_ids = in.ids("eos_token_id");
  if (const auto bos = in.ids("bos_token_id"); !bos.empty()) out.bos_id = bos[0];
  if (const auto pad = in.ids("pad_token_id"); !pad.empty()) out.pad_id = pad[0];
  out.stored_dtype = in.text("dtype", in.text("torch_dtype", ""));
  return out;
}

}  // namespace assay::model
