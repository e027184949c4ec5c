// Edits config.json. Keys for biases are edited for the family llama only: attention_bias (for q, k,
// v, o) and mlp_bias (for gate, up, down). Other families have no such keys or only some of them.
#include "quant/export/config_edits.hpp"

#include "quant/views/linear_view.hpp"

namespace assay::quant {
namespace {

bool has_bias_keys(const model::decoder_config &config) {
  return config.family == "llama";
}

bool in_attention(const model::linear_op &linear) {
  return linear.role.rfind("attn.", 0) == 0;
}

// { attention, mlp }: true if any linear of that kind has a bias.
std::pair<bool, bool> biased(const model::decoder &decoder) {
  std::pair<bool, bool> out{false, false};
  for (const auto *linear : decoder.linears())
    if (linear->bias.defined()) (in_attention(*linear) ? out.first : out.second) = true;
  return out;
}

}  // namespace

std::string config_for(const quantized_model &model, const std::string &text) {
  json config = json::parse(text);
  // Without the key, the family's class decides.
  const bool untied =
      !model.decoder.config().tied && model::parse_decoder_config(config, "config.json").tied;
  const auto [attention, mlp] = biased(model.decoder);
  const auto lacks = [&](const char *key, bool wanted) {
    return has_bias_keys(model.decoder.config()) && wanted && !config.value(key, false);
  };
  const bool add_attention = lacks("attention_bias", attention), add_mlp = lacks("mlp_bias", mlp);
  if (!untied && !add_attention && !add_mlp) return text;  // byte for byte
  if (untied) config["tie_word_embeddings"] = false;
  if (add_attention) config["attention_bias"] = true;
  if (add_mlp) config["mlp_bias"] = true;
  return json_text(config, 2) + "\n";
}

void complete_biases(quantized_model &model) {
  if (!has_bias_keys(model.decoder.config())) return;
  const auto [attention, mlp] = biased(model.decoder);
  for (auto *linear : model.decoder.linears()) {
    if (linear->bias.defined() || !(in_attention(*linear) ? attention : mlp)) continue;
    linear->bias = at::zeros({linear->out_features()},
                             linear->weight.options().device(model.decoder.device()));
    model.edited[linear->name + ".bias"] = linear->bias;
  }
}

json biases_without_key(const quantized_model &model, const model::checkpoint &subject) {
  json out = json::array();
  if (has_bias_keys(model.decoder.config())) return out;
  for (const auto *linear : model.decoder.linears())
    if (linear->bias.defined() && !subject.tensors().has(linear->name + ".bias"))
      out.push_back(linear->name);
  return out;
}

void note_own_head(const model::decoder_config &config, ledger &incidents) {
  if (!config.untied_by_weights) return;
  incidents.add({"own_head", "lm_head",
                 "config.json ties the head to the embedding, but the weights hold another head, "
                 "which is used and saved",
                 json::object()});
}

}  // namespace assay::quant
