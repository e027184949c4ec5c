// Turns GGUF metadata into config.json, generation_config.json and the provenance: a note on where
// the weights come from.
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "checkpoint/gguf/gguf_metadata.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace {

struct architecture {
  const char *gguf, *model_type, *class_name;
};
constexpr architecture k_architectures[] = {
    {"llama", "llama", "LlamaForCausalLM"},         {"qwen2", "qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "qwen3", "Qwen3ForCausalLM"},         {"gemma2", "gemma2", "Gemma2ForCausalLM"},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM"}, {"olmo2", "olmo2", "Olmo2ForCausalLM"},
    {"granite", "granite", "GraniteForCausalLM"},   {"smollm3", "smollm3", "SmolLM3ForCausalLM"}};

const architecture &architecture_of(const gguf_file &file) {
  const std::string name = file.text("general.architecture");
  for (const architecture &known : k_architectures)
    if (name == known.gguf) return known;
  throw error(error_kind::failed, "the GGUF architecture '" + name + "' is not supported")
      .at(file.path())
      .hint("Supported are llama, qwen2, qwen3, gemma2, gemma3, olmo2, granite, smollm3");
}

const gguf_tensor *tensor_named(const gguf_file &file, const std::string &name) {
  for (const gguf_tensor &tensor : file.tensors())
    if (tensor.name == name) return &tensor;
  return nullptr;
}

// Computes, for each pair of channels, the number by which Llama 3 divides its RoPE
// frequency (FORMATS.md, "RoPE scaling" and "GGUF metadata"). original: the context length
// in tokens before scaling.
std::vector<float> llama3_factors(double theta, int64_t head_dim, double factor, double low,
                                  double high, double original) {
  std::vector<float> factors;
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double wavelength =
        2 * std::numbers::pi *
        std::pow(theta, static_cast<double>(i) / static_cast<double>(head_dim));
    const double smooth = (original / wavelength - low) / (high - low);
    double value = 1 / ((1 - smooth) / factor + smooth);
    if (wavelength < original / high) value = 1;
    if (wavelength > original / low) value = factor;
    factors.push_back(static_cast<float>(value));
  }
  return factors;
}

// Finds the RoPE settings from which the factors in rope_freqs.weight were computed. The tensor
// holds the factors only. So the settings of the released Llama 3 models are tried (low 1, high 4,
// original length 8192), and the file is refused if they give other factors.
json llama3_scaling(const gguf_file &file, const gguf_tensor &tensor, double theta,
                    int64_t head_dim) {
  std::vector<float> stored(static_cast<size_t>(tensor.shape.back()));
  find_ggml_format(tensor.type)
      ->dequantize(file.bytes_of(tensor), stored.data(), tensor.shape.back());
  const double factor = stored.empty() ? 1 : stored.back();
  const std::vector<float> made = llama3_factors(theta, head_dim, factor, 1, 4, 8192);
  bool same = made.size() == stored.size();
  for (size_t i = 0; same && i < made.size(); ++i)
    same = std::abs(made[i] - stored[i]) <= 1e-4f * made[i];
  if (!same)
    throw error(error_kind::failed,
                "rope_freqs.weight does not hold the factors of Llama-3 scaling (low 1, high 4, "
                "original length 8192)")
        .at(file.path());
  return {{"rope_type", "llama3"},
          {"factor", factor},
          {"low_freq_factor", 1.0},
          {"high_freq_factor", 4.0},
          {"original_max_position_embeddings", 8192}};
}

// YaRN as llama.cpp computes it (the constructor of llama_context). prefix: of the keys.
json yarn_scaling(const gguf_file &file, const std::string &prefix, double factor) {
  for (const char *key : {"attn_factor", "yarn_attn_factor", "yarn_ext_factor"})
    if (file.real(prefix + key, 1) != 1)
      throw error(error_kind::failed, "'" + prefix + key + "' other than 1 is not supported")
          .at(file.path());
  if (file.real(prefix + "yarn_log_multiplier", 0) != 0)
    throw error(error_kind::failed, "'" + prefix + "yarn_log_multiplier' is not supported")
        .at(file.path());
  json out = {{"rope_type", "yarn"},
              {"factor", factor},
              {"beta_fast", file.real(prefix + "yarn_beta_fast", 32)},
              {"beta_slow", file.real(prefix + "yarn_beta_slow", 1)}};
  if (const auto original = file.number(prefix + "original_context_length", 0))
    out["original_max_position_embeddings"] = original;
  return out;
}

json rope_scaling(const gguf_file &file, const std::string &arch, double theta, int64_t head_dim) {
  const gguf_tensor *factors = tensor_named(file, "rope_freqs.weight");
  if (factors != nullptr) return llama3_scaling(file, *factors, theta, head_dim);
  const std::string type = file.text(arch + ".rope.scaling.type", "none");
  const double factor =
      file.real(arch + ".rope.scaling.factor", file.real(arch + ".rope.scale_linear", 1));
  if (type == "none" && factor == 1) return nullptr;
  if (type == "linear" || type == "none") return {{"rope_type", "linear"}, {"factor", factor}};
  if (type == "yarn") return yarn_scaling(file, arch + ".rope.scaling.", factor);
  return {{"rope_type", type}, {"factor", factor}};  // parse_decoder_config refuses this type
}

// Returns layer_types: which layers have a sliding window. The metadata may hold a period (each nth
// layer has none) or a flag for each layer; llama.cpp's own periods are 2 (Gemma 2) and 6 (Gemma 3).
json layer_types(const gguf_file &file, const std::string &arch, uint64_t layers) {
  const std::string key = arch + ".attention.sliding_window_pattern";
  const gguf_value *pattern = file.find(key);
  const bool flags = pattern != nullptr && pattern->what == gguf_value::kind::numbers;
  const uint64_t period = flags ? 1 : file.number(key, arch == "gemma2" ? 2 : 6);
  if (period < 1 || layers > 4096 || (flags && pattern->numbers.size() != layers))
    throw error(error_kind::failed, "'" + key + "' does not fit the layers").at(file.path());
  json out = json::array();
  for (uint64_t i = 0; i < layers; ++i) {
    const bool sliding = flags ? pattern->numbers[i] != 0 : (i + 1) % period != 0;
    out.push_back(sliding ? "sliding_attention" : "full_attention");
  }
  return out;
}

// Adds the keys of Gemma 2 and 3 (ggml-org/llama.cpp, src/models, load_arch_hparams of both). The largest model of each family, known by its number of layers, divides its
// scores by sqrt(hidden / heads), the others by sqrt(head_dim).
void add_gemma(const gguf_file &file, const std::string &arch, json &config) {
  const bool second = arch == "gemma2";
  const auto layers = config.at("num_hidden_layers").get<uint64_t>(),
             largest = uint64_t{second ? 46u : 62u};
  config.erase("hidden_act");
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["query_pre_attn_scalar"] = layers == largest
                                        ? config.at("hidden_size").get<uint64_t>() /
                                              config.at("num_attention_heads").get<uint64_t>()
                                        : config.at("head_dim").get<uint64_t>();
  const uint64_t window = file.number(arch + ".attention.sliding_window", second ? 4096 : 0);
  config["sliding_window"] = window > 0 ? json(window) : json(nullptr);
  config["layer_types"] = layer_types(file, arch, layers);
  const auto cap = [&](const char *key, const char *name, double absent) {
    const double value = file.real(arch + key, absent);
    config[name] = value > 0 ? json(value) : json(nullptr);
  };
  cap(".attn_logit_softcapping", "attn_logit_softcapping", second ? 50 : 0);
  cap(".final_logit_softcapping", "final_logit_softcapping", second ? 30 : 0);
  if (!second) config["rope_local_base_freq"] = file.real(arch + ".rope.freq_base_swa", 10000);
}

// Adds the factors of Granite. For llama.cpp (llama_model_granite), a factor of 0 means that there is none.
void add_granite(const gguf_file &file, json &config) {
  const auto factor = [&](const char *key, double none) {
    const double value = file.real(std::string("granite.") + key, 0);
    return value == 0 ? none : value;
  };
  const double width = config.at("head_dim").get<double>();
  config["attention_multiplier"] = factor("attention.scale", 1 / std::sqrt(width));
  config["embedding_multiplier"] = factor("embedding_scale", 1);
  config["residual_multiplier"] = factor("residual_scale", 1);
  config["logits_scaling"] = factor("logit_scale", 1);
}

void add_token_ids(const gguf_file &file, json &config) {
  const auto id = [&](const char *key, const char *out) {
    if (file.find(key) != nullptr) config[out] = file.number(key);
  };
  id("tokenizer.ggml.bos_token_id", "bos_token_id");
  id("tokenizer.ggml.eos_token_id", "eos_token_id");
  id("tokenizer.ggml.padding_token_id", "pad_token_id");
}

// Refuses a GGUF file that is not a language model. Adapters, vision projectors and importance
// matrices are stored as GGUF files too (ggml-org/ggml, docs/gguf.md, general.type).
void require_model(const gguf_file &file) {
  const auto ends_with = [&](const char *ending) {
    return !file.tensors().empty() && file.tensors().front().name.ends_with(ending);
  };
  const std::string type = file.text("general.type", "model");
  if (type == "adapter" || ends_with(".lora_a") || ends_with(".lora_b"))
    throw error(error_kind::failed, "the GGUF file is a LoRA adapter, not a model")
        .at(file.path())
        .hint(
            "Merge it into its model with llama-export-lora of llama.cpp, and give the file "
            "that it writes");
  if (type != "model")
    throw error(error_kind::failed, "the GGUF file holds '" + type + "', not a model")
        .at(file.path())
        .hint("Give the file of the language model");
}

const gguf_tensor &embedding_of(const gguf_file &file) {
  const gguf_tensor *embedding = tensor_named(file, "token_embd.weight");
  if (embedding != nullptr && embedding->shape.size() == 2) return *embedding;
  const bool none = file.tensors().empty();
  throw error(error_kind::failed, none ? "the GGUF file holds no tensors"
                                       : "the weights lack the tensor 'token_embd.weight'")
      .at(file.path())
      .hint(none ? "It is a vocabulary alone: give the file of the language model"
                 : "The download or the conversion was not complete: get the file again");
}

}  // namespace

json gguf_provenance(const gguf_file &file) {
  std::map<std::string, int64_t> counts;  // number of matrices in each format
  std::string note;
  for (const gguf_tensor &tensor : file.tensors())
    if (tensor.shape.size() > 1) ++counts[find_ggml_format(tensor.type)->name];
  json formats = json::object();
  std::vector<std::string> parts;
  for (const auto &[name, count] : counts) {
    formats[name] = count;
    const ggml_format *format = find_ggml_format(name);
    if (format->code_bits == 0) continue;
    parts.push_back(name + " (" + std::to_string(format->code_bits) + "-bit groups of " +
                    std::to_string(format->group) + ", " + std::to_string(count) +
                    (count == 1 ? " matrix)" : " matrices)"));
  }
  for (size_t i = 0; i < parts.size(); ++i)
    note += (i == 0 ? "" : i + 1 < parts.size() ? ", " : " and ") + parts[i];
  if (!note.empty()) note = "weights dequantized from " + note + "; not the original weights";
  const std::string &path = file.path();
  return {{"source", path.substr(path.rfind('/') + 1)},
          {"name", file.text("general.name", "")},
          {"license", file.text("general.license", "")},
          {"formats", formats},
          {"note", note}};
}

json gguf_config(const gguf_file &file) {
  require_model(file);
  const architecture &known = architecture_of(file);
  const std::string arch = known.gguf;
  if (file.number(arch + ".expert_count", 0) > 0)
    throw error(error_kind::failed, "a mixture of experts is not supported").at(file.path());
  const gguf_tensor &embedding = embedding_of(file);
  const auto hidden = static_cast<int64_t>(file.number(arch + ".embedding_length"));
  const auto heads = static_cast<int64_t>(file.number(arch + ".attention.head_count"));
  if (heads < 1 || hidden < 1)
    throw error(error_kind::failed, "the number of heads or the hidden size is 0").at(file.path());
  const uint64_t head_dim =
      file.number(arch + ".attention.key_length", static_cast<uint64_t>(hidden / heads));
  const double theta = file.real(arch + ".rope.freq_base", 10000);
  json config = {
      {"architectures", json::array({known.class_name})},
      {"model_type", known.model_type},
      {"vocab_size", embedding.shape[0]},
      {"hidden_size", hidden},
      {"intermediate_size", file.number(arch + ".feed_forward_length")},
      {"num_hidden_layers", file.number(arch + ".block_count")},
      {"num_attention_heads", heads},
      {"num_key_value_heads",
       file.number(arch + ".attention.head_count_kv", static_cast<uint64_t>(heads))},
      {"head_dim", head_dim},
      {"hidden_act", "silu"},
      {"max_position_embeddings", file.number(arch + ".context_length")},
      {"rms_norm_eps", file.real(arch + ".attention.layer_norm_rms_epsilon", 1e-6)},
      {"rope_theta", theta},
      {"rope_scaling", rope_scaling(file, arch, theta, static_cast<int64_t>(head_dim))},
      {"attention_bias", arch != "qwen2" && tensor_named(file, "blk.0.attn_q.bias") != nullptr},
      {"tie_word_embeddings", tensor_named(file, "output.weight") == nullptr},
      {"use_cache", true},
      {"initializer_range", 0.02},
      {"attention_dropout", 0.0}};
  if (arch == "llama" || arch == "granite" || arch == "smollm3")
    config["mlp_bias"] = tensor_named(file, "blk.0.ffn_up.bias") != nullptr;
  if (arch.starts_with("gemma")) add_gemma(file, arch, config);
  if (arch == "granite") add_granite(file, config);
  if (arch == "smollm3") config["no_rope_layer_interval"] = 4;  // the only one of llama.cpp
  add_token_ids(file, config);
  // Absent ids become null, because transformers gives absent keys ids of its own (LlamaConfig: 1 and 2).
  for (const char *id : {"bos_token_id", "eos_token_id"})
    if (!config.contains(id)) config[id] = nullptr;
  config["dtype"] = "float32";
  config["torch_dtype"] = "float32";
  config["assay_provenance"] = gguf_provenance(file);
  return config;
}

json gguf_generation_config(const gguf_file &file) {
  json config = json::object();
  add_token_ids(file, config);
  json eos = json::array();
  for (const char *key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.eom_token_id"}) {
    if (file.find(key) == nullptr) continue;
    const json id = file.number(key);
    if (std::find(eos.begin(), eos.end(), id) == eos.end()) eos.push_back(id);
  }
  if (eos.size() > 1) config["eos_token_id"] = eos;
  return config;
}

}  // namespace assay::model
