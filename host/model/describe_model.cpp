// Describes a checkpoint as JSON: parameters are counted from its list of tensors, and sizes come
// from the parsed config.
#include "model/describe_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "checkpoint/quantized_source.hpp"
#include "core/error.hpp"
#include "model/decoder_config.hpp"
#include "model/decoder_layout.hpp"
#include "model/required_tensors.hpp"

namespace assay::model {
namespace {

// The place of a role in the forward order; the router comes last.
size_t place_of_role(const std::string &role) {
  for (size_t i = 0; i < k_linears.size(); ++i)
    if (role == k_linears[i].role) return i;
  return k_linears.size();
}

// Lists the linears by role and shape, in forward order.
json describe_linears(const tensor_source &tensors) {
  json list = json::array();
  const std::string suffix = ".weight";
  for (const tensor_info &info : tensors.tensors()) {
    if (!info.name.ends_with(suffix) || info.shape.size() != 2) continue;
    const std::string role = block_role_of(info.name.substr(0, info.name.size() - suffix.size()));
    if (role.empty()) continue;
    const auto same = std::find_if(list.begin(), list.end(), [&](const json &row) {
      return row["role"] == role && row["out"] == info.shape[0] && row["in"] == info.shape[1];
    });
    json &row = same != list.end() ? *same
                                   : list.emplace_back(json{{"role", role},
                                                            {"count", 0},
                                                            {"out", info.shape[0]},
                                                            {"in", info.shape[1]},
                                                            {"parameters", 0}});
    row["count"] = row["count"].get<int64_t>() + 1;
    row["parameters"] = row["parameters"].get<int64_t>() + info.numel();
  }
  std::stable_sort(list.begin(), list.end(), [](const json &a, const json &b) {
    return place_of_role(a["role"]) < place_of_role(b["role"]);
  });
  return list;
}

void describe_tensors(const tensor_source &tensors, bool tied, json &out) {
  struct sums {
    int64_t tensors = 0, parameters = 0;
    uint64_t bytes = 0;
  };
  std::map<std::string, sums> by_format;
  int64_t parameters = 0;
  uint64_t bytes = 0;
  for (const tensor_info &info : tensors.tensors()) {
    sums &s = by_format[info.stored];
    ++s.tensors;
    s.parameters += info.numel();
    s.bytes += info.stored_bytes;
    bytes += info.stored_bytes;
    if (!(tied && info.name == "lm_head.weight"))
      parameters += info.numel();  // a stored copy of a tied head is not counted
  }
  out["parameters"] = parameters;
  out["bytes"] = bytes;
  out["stored"] = json::object();
  for (const auto &[format, s] : by_format)
    out["stored"][format] = {
        {"tensors", s.tensors}, {"parameters", s.parameters}, {"bytes", s.bytes}};
}

// Says in which points the formulas differ from Llama's (decoder_families.hpp).
void describe_maths(const decoder_config &c, json &out) {
  json &maths = out["maths"];
  if (c.norms == norm_order::around) maths["norms"] = "before and after attention and MLP";
  if (c.norms == norm_order::after) maths["norms"] = "after attention and MLP";
  if (c.norm_offset != 0) maths["norm_offset"] = c.norm_offset;
  if (c.act == activation::gelu_tanh) maths["activation"] = "gelu_tanh";
  if (c.embedding_factor != 1) maths["embedding_factor"] = c.embedding_factor;
  if (c.residual_factor != 1) maths["residual_factor"] = c.residual_factor;
  if (c.logit_factor != 1) maths["logit_factor"] = c.logit_factor;
  if (c.score_factor != 1 / std::sqrt(static_cast<double>(c.head_dim)))
    maths["score_factor"] = c.score_factor;
  if (c.score_cap > 0) maths["score_cap"] = c.score_cap;
  if (c.logit_cap > 0) maths["logit_cap"] = c.logit_cap;
  if (c.qkv_clip > 0) maths["qkv_clip"] = c.qkv_clip;
  if (c.experts.count > 0) maths["experts"] = c.experts.count;
}

// How many experts a layer has and what they add to the parameters. active: the parameters that one token goes through, with its
// row of the embedding counted as the whole embedding.
void describe_experts(const decoder_config &c, json &out) {
  if (c.experts.count == 0) return;
  const int64_t layers = std::count(c.experts.layers.begin(), c.experts.layers.end(), true);
  const int64_t each = 3 * c.hidden_size * c.experts.size;
  out["experts"] = {{"count", c.experts.count},
                    {"per_token", c.experts.per_token},
                    {"hidden", c.experts.size},
                    {"layers", layers},
                    {"normalized", c.experts.normalized},
                    {"parameters", layers * c.experts.count * each},
                    {"active_parameters", layers * c.experts.per_token * each}};
}

void describe_config(const decoder_config &c, json &out) {
  out["sizes"] = {
      {"layers", c.n_layers}, {"hidden", c.hidden_size},  {"intermediate", c.intermediate_size},
      {"heads", c.n_heads},   {"kv_heads", c.n_kv_heads}, {"head_dim", c.head_dim},
      {"vocab", c.vocab_size}};
  describe_experts(c, out);
  out["context"] = c.max_positions;
  const auto rope = [](const rope_config &r) {
    return json{{"type", r.type}, {"theta", r.theta}, {"factor", r.factor}};
  };
  out["maths"] = json::object();
  out["rope"] = rope(c.rope);
  const auto layers = [&](rope_choice which) {
    return std::count(c.ropes.begin(), c.ropes.end(), which);
  };
  if (layers(rope_choice::local) > 0) {
    out["local_rope"] = rope(c.local_rope);
    out["local_rope"]["layers"] = layers(rope_choice::local);
  }
  if (layers(rope_choice::none) > 0)
    out["maths"]["layers_without_rope"] = layers(rope_choice::none);
  int64_t sliding = 0, window = 0;
  for (const int64_t w : c.windows)
    if (w > 0) ++sliding, window = w;
  out["windows"] = {{"layers", sliding}, {"tokens", window}};
  out["biases"] = {{"qkv", c.qkv_bias}, {"o", c.o_bias}, {"mlp", c.mlp_bias}};
  out["qk_norm"] = c.qk_norm;
  describe_maths(c, out);
  out["eos"] = c.eos_ids;
  out["stored_dtype"] = c.stored_dtype;
}

// Says which tensors the configuration needs and the checkpoint does not have, and the reverse.
void describe_gaps(const decoder_config &config, const tensor_source &tensors, json &out) {
  out["required_tensors"] = required_tensors(config).size();
  out["missing_tensors"] = missing_tensors(config, tensors);
  std::set<std::string> needed{"lm_head.weight"};  // a tied head may be stored too
  for (const required_tensor &tensor : required_tensors(config)) needed.insert(tensor.name);
  out["unused_tensors"] = json::array();
  for (const tensor_info &info : tensors.tensors())
    if (!needed.contains(info.name)) out["unused_tensors"].push_back(info.name);
}

// Lists the quantized linears with scales of zero, whose groups have lost their weights. It reads all codes and
// throws if a scale or code has no value.
json describe_zero_scales(const tensor_source &tensors) {
  json list = json::array();
  const auto *quantized = dynamic_cast<const quantized_source *>(&tensors);
  if (quantized == nullptr) return list;
  for (const std::string &module : quantized->quantized())
    if (const int64_t count = quantized->read(module).zero_scales(); count > 0)
      list.push_back({{"linear", module}, {"count", count}});
  return list;
}

}  // namespace

json describe_model(const checkpoint &source, bool with_fingerprint) {
  const json &config = source.config();
  json out = {{"name", source.name()},
              {"path", source.path()},
              {"container", source.is_gguf() ? "gguf" : "safetensors"}};
  out["architecture"] = config.contains("architectures") && !config["architectures"].empty()
                            ? config["architectures"][0]
                            : json(nullptr);
  out["family"] = config.contains("model_type") ? config["model_type"] : json(nullptr);
  out["quant_method"] = source.quant_method();
  json tied = config.contains("tie_word_embeddings") && config["tie_word_embeddings"] == true;
  out["supported"] = true;
  try {
    const decoder_config read = read_decoder_config(source);
    tied = read.tied;
    out["untied_by_weights"] = read.untied_by_weights;
    describe_config(read, out);
    describe_gaps(read, source.tensors(), out);
  } catch (const error &e) {
    out["supported"] = false;
    out["why_not"] = e.message();
  }
  out["tied"] = tied;
  describe_tensors(source.tensors(), tied.get<bool>(), out);
  if (out.contains("experts"))
    out["active_parameters"] = out["parameters"].get<int64_t>() -
                               out["experts"]["parameters"].get<int64_t>() +
                               out["experts"]["active_parameters"].get<int64_t>();
  out["linears"] = describe_linears(source.tensors());
  out["chat_template"] = !source.chat_templates().empty();
  out["provenance"] = source.provenance_note();
  if (with_fingerprint) {
    out["zero_scales"] = describe_zero_scales(source.tensors());
    out["fingerprint"] = source.fingerprint();
  }
  return out;
}

}  // namespace assay::model
