// Makes the list of required tensors from the lists of decoder_layout.hpp, and compares it with the
// tensors of a checkpoint.
#include "model/required_tensors.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "model/decoder_layout.hpp"

namespace assay::model {
namespace {

const std::string k_weight = ".weight";
const std::string k_head_weight = k_head_name + k_weight,
                  k_embedding_weight = k_embedding_name + k_weight;

void add_block(const decoder_config &c, int64_t layer, std::vector<required_tensor> &out) {
  const std::string prefix = block_prefix(layer);
  for (const norm_layout &norm : norms_of(c))
    out.push_back({prefix + norm.module + k_weight, {width_of(c, norm.size)}});
  for (const layer_linear &linear : linears_of(c, layer)) {
    out.push_back({prefix + linear.module + k_weight, {linear.out, linear.in}});
    if (linear.bias) out.push_back({prefix + linear.module + ".bias", {linear.out}});
  }
}

const char *hint_for(const std::vector<std::string> &missing) {
  if (missing.size() == 1 && missing[0] == k_head_weight)
    return "If the head is the embedding, config.json must have \"tie_word_embeddings\": true";
  return "The download or the conversion was not complete, or config.json is another model's: get "
         "the model again";
}

}  // namespace

std::vector<required_tensor> required_tensors(const decoder_config &config) {
  const std::vector<int64_t> table = {config.vocab_size, config.hidden_size};
  std::vector<required_tensor> out{{k_embedding_weight, table}};
  for (int64_t i = 0; i < config.n_layers; ++i) add_block(config, i, out);
  out.push_back({k_final_norm_name + k_weight, {config.hidden_size}});
  if (!config.tied) out.push_back({k_head_weight, table});
  return out;
}

std::vector<std::string> missing_tensors(const decoder_config &config,
                                         const tensor_source &source) {
  std::vector<std::string> names;
  for (const required_tensor &tensor : required_tensors(config))
    if (!source.has(tensor.name)) names.push_back(tensor.name);
  return names;
}

void require_tensors(const decoder_config &config, const checkpoint &source) {
  const std::vector<std::string> missing = missing_tensors(config, source.tensors());
  if (missing.empty()) return;
  const std::string more = std::to_string(missing.size()) + " of " +
                           std::to_string(required_tensors(config).size()) +
                           " that config.json asks for are missing";
  throw error(error_kind::failed, "the weights lack the tensor '" + missing[0] + "'")
      .at(source.path())
      .cause(missing.size() > 1 ? more : "")
      .hint(hint_for(missing));
}

decoder_config read_decoder_config(const checkpoint &source) {
  decoder_config config = parse_decoder_config(source.config(), source.path());
  if (!source.generation_config().is_null()) config.eos_ids = source.eos_ids();
  const tensor_source &tensors = source.tensors();
  if (!config.tied || !tensors.has(k_head_weight) || !tensors.has(k_embedding_weight))
    return config;
  config.untied_by_weights = !same_values(tensors, k_head_weight, k_embedding_weight);
  config.tied = !config.untied_by_weights;
  return config;
}

}  // namespace assay::model
