// Reads and checks the keys of config.json by the rules of the model's family
// (checkpoint/FORMATS.md, "Config keys" and "RoPE scaling").
#include "model/decoder_config.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "core/error.hpp"
#include "model/config_keys.hpp"
#include "model/config_reader.hpp"
#include "model/decoder_families.hpp"
#include "model/expert_config.hpp"

namespace assay::model {
namespace {

// Reads the keys of config.json by the rules of a family.
class family_reader : public config_reader {
 public:
  using config_reader::config_reader;

  bool bias(const bias_rule &rule) const {
    return rule.key == nullptr ? rule.absent : boolean(rule.key, rule.absent);
  }

  const decoder_family &find_family() const {
    const std::string type = text("model_type", "");
    for (const decoder_family &known : decoder_families())
      if (type == known.model_type) return known;
    unsupported("the architecture '" + (type.empty() ? std::string("without model_type") : type) +
                "'");
  }

  // Refuses a classifier or reward model of a known family, which is no language model. Case is
  // ignored, because early conversions of Llama 1 spell the class LLaMAForCausalLM.
  void check_class(const decoder_family &known) const {
    if (!has("architectures")) return;
    const json &classes = config_["architectures"];
    const auto lower = [](std::string name) {
      for (char &c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      return name;
    };
    for (const json &name : classes.is_array() ? classes : json::array())
      if (name.is_string() && lower(name.get<std::string>()) == lower(known.class_name)) return;
    unsupported("config.json: the architectures " + classes.dump() + " (not '" + known.class_name +
                "')");
  }

  // A family that has a key hidden_activation reads hidden_act no more.
  void check_maths(const decoder_family &known) const {
    if (const auto problem = foreign_maths(config_, known)) unsupported(*problem);
    const bool gelu = known.maths.act == activation::gelu_tanh;
    const std::string fitting = gelu ? "gelu_pytorch_tanh" : "silu";
    const std::string act =
        text(known.key("hidden_activation") ? "hidden_activation" : "hidden_act", fitting);
    if (act != fitting && (gelu || act != "swish"))
      unsupported("config.json: the activation '" + act + "'");
  }

  // Returns the number of a key that only some families read: `neutral` if this family does not
  // read it, the default of the family's class if the key is absent, and 0 if it is null.
  double family_number(const decoder_family &known, const char *key, double neutral) const {
    const family_key *mine = known.key(key);
    if (mine == nullptr) return neutral;
    return config_.contains(key) ? real(config_, key, 0) : mine->absent;
  }
  double positive(const decoder_family &known, const char *key, double neutral) const {
    const double value = family_number(known, key, neutral);
    if (!(value > 0))
      refuse(std::string("config.json: '") + key + "' must be greater than 0",
             "Copy the original config.json");
    return value;
  }

  // The RoPE of a family with one RoPE, or of the layers without a window. If both keys are there,
  // the older one, rope_scaling, wins unless it is empty (transformers 5.23, modeling_rope_utils.py,
  // convert_rope_params_to_dict).
  rope_config rope(const decoder_family &known, int64_t max_positions) const {
    rope_config out;
    out.theta = real(config_, "rope_theta", known.maths.theta);
    const bool older = has("rope_scaling") && !config_["rope_scaling"].empty();
    if (!older && !has("rope_parameters")) return out;
    const json &spec = config_[older ? "rope_scaling" : "rope_parameters"];
    if (!spec.is_object())
      refuse("config.json: the RoPE parameters are no object", "Copy the original config.json");
    if (!known.maths.local_rope) return rope_of(spec, out.theta, max_positions);
    if (older) {  // its entries replace those of rope_parameters
      if (!spec.contains("rope_type") && spec.contains("type"))
        unsupported("config.json: 'type' in rope_scaling, for which this family has 'rope_type',");
      json joined = rope_part("full_attention");
      joined.update(spec);
      return rope_of(joined, out.theta, max_positions);
    }
    return rope_of(rope_part("full_attention"), out.theta, max_positions);
  }

  // The RoPE of the layers with a window, in a family that has one of its own for them.
  rope_config local_rope(const decoder_family &known, int64_t max_positions) const {
    if (!known.maths.local_rope) return {};
    const double theta = family_number(known, "rope_local_base_freq", 10000);
    return rope_of(rope_part("sliding_attention"), theta, max_positions);
  }

  // Returns rope_parameters of one layer type, {} if there are none.
  json rope_part(const char *layer_type) const {
    if (!has("rope_parameters")) return json::object();
    const json &all = config_["rope_parameters"];
    if (!all.is_object())
      refuse("config.json: the RoPE parameters are no object", "Copy the original config.json");
    for (const auto &[key, value] : all.items())
      if (key != "full_attention" && key != "sliding_attention")
        unsupported("config.json: the RoPE parameter '" + key + "' outside of a layer type");
    if (!all.contains(layer_type) || all[layer_type].is_null()) return json::object();
    if (!all[layer_type].is_object())
      refuse("config.json: the RoPE parameters are no object", "Copy the original config.json");
    return all[layer_type];
  }

  // theta: where the specification has none.
  rope_config rope_of(const json &spec, double theta, int64_t max_positions) const {
    rope_config out;
    out.theta = theta;
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
    out.original_max_positions = static_cast<int64_t>(
        real(has("original_max_position_embeddings") ? config_ : spec,
             "original_max_position_embeddings", static_cast<double>(max_positions)));
    if (!(out.high_freq_factor > out.low_freq_factor))
      refuse("config.json: high_freq_factor must exceed low_freq_factor",
             "Copy the original config.json");
    return out;
  }

  // Returns the window of each layer in tokens, 0 for none.
  std::vector<int64_t> windows(const decoder_family &known, int64_t n_layers) const {
    const window_rule rule = known.windows;
    const int64_t absent = known.defaults.window;
    std::vector<int64_t> out(static_cast<size_t>(n_layers), 0);
    const bool off =
        config_.contains("sliding_window") ? !has("sliding_window") : known.defaults.window == 0;
    if (rule == window_rule::none || off) return out;
    if (rule == window_rule::all_if_used && !boolean("use_sliding_window", false)) return out;
    const int64_t window = integer("sliding_window", absent);
    if (window < 1)
      refuse("config.json: 'sliding_window' must be at least 1", "Copy the original config.json");
    if (rule == window_rule::all_layers || rule == window_rule::all_if_used) {
      std::fill(out.begin(), out.end(), window);
      return out;
    }
    if (rule == window_rule::upper_layers && !boolean("use_sliding_window", false)) return out;
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
    if (rule == window_rule::all_but_nth) {
      const int64_t nth = known.key("sliding_window_pattern")
                              ? integer("sliding_window_pattern", known.maths.full_every)
                              : known.maths.full_every;
      if (nth < 1)
        refuse("config.json: 'sliding_window_pattern' must be at least 1",
               "Copy the original config.json");
      for (int64_t i = 0; i < n_layers; ++i)
        out[static_cast<size_t>(i)] = (i + 1) % nth == 0 ? 0 : window;
      return out;
    }
    for (int64_t i = integer("max_window_layers", 28); i < n_layers; ++i)
      out[static_cast<size_t>(i)] = window;
    return out;
  }

  // Which RoPE each layer has. SmolLM3 has a list of flags, 0 for a layer without RoPE; without it
  // each nth layer has none.
  std::vector<rope_choice> ropes(const decoder_family &known,
                                 const std::vector<int64_t> &windows) const {
    std::vector<rope_choice> out(windows.size(), rope_choice::main);
    if (known.maths.local_rope)
      for (size_t i = 0; i < out.size(); ++i)
        if (windows[i] > 0) out[i] = rope_choice::local;
    if (known.key("no_rope_layers") == nullptr) return out;
    if (boolean("use_sliding_window", false) && has("sliding_window"))
      unsupported("config.json: a sliding window in layers without RoPE");
    const json flags = has("no_rope_layers") ? config_["no_rope_layers"] : json();
    const int64_t nth = integer("no_rope_layer_interval", 4);
    if (flags.is_null() ? nth < 1 : !flags.is_array() || flags.size() < out.size())
      refuse("config.json: 'no_rope_layers' does not name every layer",
             "Copy the original config.json");
    for (size_t i = 0; i < out.size(); ++i)
      if (flags.is_null() ? (i + 1) % static_cast<size_t>(nth) == 0 : flags[i] == 0)
        out[i] = rope_choice::none;
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
};

// Sets the numbers and forms in which the family's formulas differ from Llama's.
void read_maths(const family_reader &in, const decoder_family &known, decoder_config &out) {
  const family_maths &maths = known.maths;
  out.norms = maths.norms;
  out.norm_offset = maths.norm_offset;
  out.act = maths.act;
  out.qk_norm = known.qk_norm;
  out.whole_qk_norm = maths.whole_qk_norm;
  out.rope = in.rope(known, out.max_positions);
  out.local_rope = in.local_rope(known, out.max_positions);
  out.ropes = in.ropes(known, out.windows);
  out.embedding_factor = maths.scaled_embedding ? std::sqrt(static_cast<double>(out.hidden_size))
                                                : in.positive(known, "embedding_multiplier", 1);
  out.residual_factor = in.positive(known, "residual_multiplier", 1);
  out.logit_factor = 1 / in.positive(known, "logits_scaling", 1);
  const double spread =
      in.positive(known, "query_pre_attn_scalar", static_cast<double>(out.head_dim));
  out.score_factor = known.key("attention_multiplier")
                         ? in.positive(known, "attention_multiplier", 1)
                         : 1 / std::sqrt(spread);
  out.score_cap = in.family_number(known, "attn_logit_softcapping", 0);
  out.qkv_clip = in.family_number(known, "clip_qkv", 0);
  out.logit_cap = in.family_number(known, "final_logit_softcapping", 0);
}

}  // namespace

std::string supported_families() {
  std::string list;
  for (const decoder_family &known : decoder_families())
    list += (list.empty() ? "" : ", ") + std::string(known.model_type);
  return list;
}

decoder_config parse_decoder_config(const json &config, const std::string &where) {
  const family_reader in(config, where);
  const decoder_family &known = in.find_family();
  in.check_class(known);
  in.check_maths(known);
  decoder_config out;
  out.family = known.model_type;
  const config_defaults &absent = known.defaults;
  out.vocab_size = in.size("vocab_size", absent.vocab_size);
  out.hidden_size = in.size("hidden_size", absent.hidden_size);
  out.intermediate_size = in.size("intermediate_size", absent.intermediate_size);
  out.n_layers = in.size("num_hidden_layers", absent.n_layers);
  out.n_heads = in.size("num_attention_heads", absent.n_heads);
  out.n_kv_heads = in.size("num_key_value_heads", absent.n_kv_heads, out.n_heads);
  out.head_dim =
      in.size("head_dim", absent.head_dim, out.n_heads > 0 ? out.hidden_size / out.n_heads : 0);
  in.check_sizes(out);
  out.max_positions = in.integer("max_position_embeddings", absent.max_positions);
  out.rms_norm_eps = in.real(config, "rms_norm_eps", known.maths.eps);
  out.qkv_bias = in.bias(known.qkv_bias);
  out.o_bias = in.bias(known.o_bias);
  out.mlp_bias = in.bias(known.mlp_bias);
  out.tied = in.boolean("tie_word_embeddings", known.maths.tied);
  out.windows = in.windows(known, out.n_layers);
  read_maths(in, known, out);
  read_experts(in, known, out);
  out.eos_ids = in.ids("eos_token_id", absent.eos_id);
  if (const auto bos = in.ids("bos_token_id", absent.bos_id); !bos.empty()) out.bos_id = bos[0];
  if (const auto pad = in.ids("pad_token_id", absent.pad_id); !pad.empty()) out.pad_id = pad[0];
  out.stored_dtype = in.text("dtype", in.text("torch_dtype", ""));
  return out;
}

}  // namespace assay::model
