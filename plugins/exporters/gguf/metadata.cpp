// Writes the keys of the architecture (ggml-org/llama.cpp, gguf-py/gguf/constants.py,
// conversion/llama.py). A key that config.json leaves out has the value of transformers 5.23.
#include "metadata.hpp"

#include <algorithm>
#include <cmath>

#include "names.hpp"

namespace gguf {
namespace {

using assay_json::value;

constexpr double k_pi = 3.14159265358979323846;

// The values that transformers uses for keys that a family's config.json leaves out (transformers,
// models/*/configuration_*.py).
struct defaults {
  const char *family;
  int64_t positions, window;  // window: 0 = none
};
constexpr defaults k_defaults[] = {
    {"llama", 2048, 0},     {"mistral", 131072, 4096}, {"qwen2", 32768, 4096},
    {"qwen3", 32768, 4096}, {"gemma2", 8192, 0},       {"gemma3_text", 131072, 0},
    {"olmo2", 2048, 0},     {"granite", 2048, 0},      {"smollm3", 32768, 0}};

const defaults &defaults_of(const std::string &family) {
  for (const defaults &known : k_defaults)
    if (family == known.family) return known;
  throw failure(ASSAY_UNSUPPORTED, "GGUF files of the family '" + family + "' are not written");
}

// The RoPE parameters: the older key, rope_scaling, wins unless it is empty.
value rope_of(const value &config) {
  for (const char *key : {"rope_scaling", "rope_parameters"}) {
    const value *found = config.find(key);
    if (found == nullptr || found->members.empty()) continue;
    const value *global = found->find("full_attention");  // Gemma 3 has one for each layer type
    return global != nullptr ? *global : *found;
  }
  return {};
}

// The number of positions that one query sees, if some layer has a window; else 0.
int64_t window_of(const value &config, const defaults &otherwise) {
  if (otherwise.window == 0) return 0;
  if (const value *found = config.find("sliding_window"))
    if (found->kind == assay_json::type::null) return 0;
  const int64_t window = integer_or(config, "sliding_window", otherwise.window);
  if (std::string_view(otherwise.family) == "mistral") return window;
  return config.bool_or("use_sliding_window", false) ? window : 0;
}

// The number of positions up to which llama.cpp computes the same as the model. llama.cpp runs these architectures
// without a window, which makes no difference while no text is longer than the window.
int64_t context_of(const plan &p, const value &config, const assay_cpp::host &host) {
  const defaults &otherwise = defaults_of(p.family);
  const int64_t positions = integer_or(config, "max_position_embeddings", otherwise.positions);
  const int64_t window = window_of(config, otherwise);
  if (window == 0 || window >= positions) return positions;
  const std::string detail =
      "the model has a sliding window of " + std::to_string(window) +
      ", which a GGUF file of this family cannot say: its context length is " +
      std::to_string(window) + " in place of " + std::to_string(positions);
  host.ledger("shorter_context", 1, detail);
  host.log(ASSAY_LOG_WARNING, detail);
  return window;
}

// For each pair of channels the number by which Llama 3 divides its RoPE frequency:
// 1 for short wavelengths, the factor for long ones (transformers,
// modeling_rope_utils.py, _compute_llama3_parameters).
entry llama3_factors(const value &rope, double theta, int64_t head_dim, int64_t positions) {
  const double factor = rope.number_or("factor", 0), low = rope.number_or("low_freq_factor", 0);
  const double high = rope.number_or("high_freq_factor", 0);
  const double original =
      rope.number_or("original_max_position_embeddings", static_cast<double>(positions));
  if (factor <= 0 || low <= 0 || high <= low)
    throw failure(ASSAY_UNSUPPORTED,
                  "config.json: the parameters of RoPE type 'llama3' are not valid");
  entry e;
  e.name = "rope_freqs.weight";
  e.shape = {head_dim / 2};
  for (int64_t i = 0; i < head_dim; i += 2) {
    const double wavelength =
        2 * k_pi * std::pow(theta, static_cast<double>(i) / static_cast<double>(head_dim));
    const double smooth = (original / wavelength - low) / (high - low);
    double divisor = 1 / ((1 - smooth) / factor + smooth);
    if (wavelength < original / high) divisor = 1;
    if (wavelength > original / low) divisor = factor;
    const auto stored = static_cast<float>(divisor);
    e.own_bytes.append(reinterpret_cast<const char *>(&stored), sizeof stored);
  }
  e.n_bytes = bytes_of(e);
  return e;
}

// llama.cpp computes YaRN as transformers does if no option changes the factor of cos and sin.
void put_yarn(const value &rope, const std::string &prefix, const value &config, int64_t positions,
              metadata &to) {
  const auto refuse = [](const std::string &key) {
    throw failure(ASSAY_UNSUPPORTED,
                  "config.json: a GGUF file cannot say the YaRN option '" + key + "'");
  };
  for (const char *key : {"attention_factor", "mscale", "mscale_all_dim"})
    if (const value *found = rope.find(key))
      if (found->kind != assay_json::type::null) refuse(key);
  if (!rope.bool_or("truncate", true)) refuse("truncate");
  const double original = config.number_or(
      "original_max_position_embeddings",
      rope.number_or("original_max_position_embeddings", static_cast<double>(positions)));
  to.put_text(prefix + "type", "yarn");
  to.put_f32(prefix + "factor",
             rope.number_or("factor", static_cast<double>(positions) / original));
  to.put_u32(prefix + "original_context_length", static_cast<uint64_t>(original));
  to.put_f32(prefix + "yarn_beta_fast", rope.number_or("beta_fast", 32));
  to.put_f32(prefix + "yarn_beta_slow", rope.number_or("beta_slow", 1));
}

void put_rope(const plan &p, const value &config, const std::string &a, metadata &to,
              std::vector<entry> &entries) {
  const value rope = rope_of(config);
  const double absent = a == "gemma3" ? 1e6 : a == "smollm3" ? 2e6 : 1e4;
  const double theta = rope.number_or("rope_theta", config.number_or("rope_theta", absent));
  to.put_f32(a + ".rope.freq_base", theta);
  to.put_u32(a + ".rope.dimension_count", static_cast<uint64_t>(p.head_dim));
  const std::string type = rope.string_or("rope_type", rope.string_or("type", "default"));
  // "dynamic" differs from it only in texts longer than the context length.
  if (type == "default" || type == "dynamic") return;
  if (type == "linear") {
    to.put_text(a + ".rope.scaling.type", "linear");
    to.put_f32(a + ".rope.scaling.factor", rope.number_or("factor", 1));
  } else if (type == "yarn") {
    put_yarn(rope, a + ".rope.scaling.", config,
             integer_or(config, "max_position_embeddings", defaults_of(p.family).positions), to);
  } else if (type == "llama3" && a == "llama") {
    entries.push_back(llama3_factors(
        rope, theta, p.head_dim,
        integer_or(config, "max_position_embeddings", defaults_of(p.family).positions)));
  } else {
    throw failure(ASSAY_UNSUPPORTED,
                  "config.json: llama.cpp's " + a + " has no RoPE of the type '" + type + "'");
  }
}

// The factors of Granite (ggml-org/llama.cpp, conversion/granite.py). They are all written, because llama.cpp has
// other values for keys that are absent.
void put_granite(const value &config, metadata &to) {
  to.put_f32("granite.attention.scale", config.number_or("attention_multiplier", 1));
  to.put_f32("granite.embedding_scale", config.number_or("embedding_multiplier", 1));
  to.put_f32("granite.residual_scale", config.number_or("residual_multiplier", 1));
  to.put_f32("granite.logit_scale", config.number_or("logits_scaling", 1));
}

// llama.cpp leaves RoPE out in every fourth layer of SmolLM3, whatever the file says (src/models, llama_model_smollm3).
void check_smollm3(const plan &p, const value &config) {
  const value *listed = config.find("no_rope_layers");  // 1 where a layer has RoPE
  const bool given = listed != nullptr && !listed->items.empty();
  const int64_t every = integer_or(config, "no_rope_layer_interval", 4);
  for (int64_t layer = 0; layer < p.layers; ++layer) {
    const bool fourth = (layer + 1) % 4 == 0;
    const bool without = given ? static_cast<size_t>(layer) < listed->items.size() &&
                                     listed->items[static_cast<size_t>(layer)].number == 0
                               : every > 0 && (layer + 1) % every == 0;
    if (without != fourth)
      throw failure(ASSAY_UNSUPPORTED,
                    "config.json: llama.cpp's smollm3 leaves RoPE out in every fourth layer, this "
                    "model in others");
  }
}

// What llama.cpp takes for granted in OLMo 2 (src/models, llama_model_olmo2).
void check_olmo2(const plan &p, const value &config) {
  const char *missing = p.heads * p.head_dim != p.hidden_size ? "head_dim but hidden_size / heads"
                        : config.bool_or("tie_word_embeddings", false) ? "tied head"
                                                                       : nullptr;
  if (missing != nullptr)
    throw failure(ASSAY_UNSUPPORTED,
                  std::string("config.json: llama.cpp's olmo2 has no ") + missing);
}

// The name of the model; "" if config.json has none. It has one if the model came from the hub
// (_name_or_path) or from a GGUF file (assay_provenance).
std::string name_of(const value &config) {
  std::string name = config.string_or("_name_or_path", "");
  while (!name.empty() && name.back() == '/') name.pop_back();
  name = name.substr(name.rfind('/') + 1);  // all of it if there is no slash
  const value *provenance = config.find("assay_provenance");
  return name.empty() && provenance != nullptr ? provenance->string_or("name", "") : name;
}

}  // namespace

assay_json::value json_file(const model_files &files, const std::string &name) {
  const auto found = files.find(name);
  if (found == files.end()) return {};
  try {
    return assay_json::parse(found->second);
  } catch (const std::runtime_error &what) {
    throw failure(ASSAY_INVALID_ARGUMENT, name + ": " + what.what());
  }
}

void put_architecture(const plan &p, const model_files &files, const assay_cpp::host &host,
                      metadata &to, std::vector<entry> &entries) {
  const value config = json_file(files, "config.json");
  const std::string a = architecture_of(p.family);
  const auto number = [&](const char *key, int64_t value) {
    to.put_u32(a + key, static_cast<uint64_t>(value));
  };
  to.put_text("general.architecture", a);
  to.put_text("general.type", "model");
  if (const std::string name = name_of(config); !name.empty()) to.put_text("general.name", name);
  number(".block_count", p.layers);
  number(".context_length", context_of(p, config, host));
  number(".embedding_length", p.hidden_size);
  number(".feed_forward_length", p.intermediate_size);
  number(".attention.head_count", p.heads);
  number(".attention.head_count_kv", p.kv_heads);
  number(".attention.key_length", p.head_dim);
  number(".attention.value_length", p.head_dim);
  number(".vocab_size", p.vocab_size);
  to.put_f32(a + ".attention.layer_norm_rms_epsilon",
             config.number_or("rms_norm_eps", a == "olmo2" ? 1e-5 : 1e-6));
  put_rope(p, config, a, to, entries);
  if (is_gemma(p.family)) put_gemma(p, config, to);
  if (a == "granite") put_granite(config, to);
  if (a == "smollm3") check_smollm3(p, config);
  if (a == "olmo2") check_olmo2(p, config);
}

}  // namespace gguf
