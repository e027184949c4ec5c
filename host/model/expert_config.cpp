// Reads the keys of experts by the rules of the family (huggingface/transformers,
// models/{mixtral,qwen3_moe,olmoe}/configuration_*.py; Qwen3MoeDecoderLayer decides which layers have experts).
#include "model/expert_config.hpp"

#include <algorithm>

namespace assay::model {
namespace {

int64_t absent(const decoder_family &family, const char *key) {
  const family_key *known = family.key(key);
  return known ? static_cast<int64_t>(known->absent) : 0;
}

// Both names of the count are read, because the classes of transformers accept both (attribute_map).
int64_t count_of(const config_reader &in, const decoder_family &family) {
  const bool both = in.has("num_experts") && in.has("num_local_experts");
  if (both && in.value("num_experts") != in.value("num_local_experts"))
    in.refuse("config.json: 'num_experts' and 'num_local_experts' differ");
  const int64_t count =
      std::max(absent(family, "num_experts"), absent(family, "num_local_experts"));
  return in.has("num_local_experts") ? in.integer("num_local_experts", count)
                                     : in.integer("num_experts", count);
}

// The layers that mlp_only_layers lists have no experts. Of the others each nth has, n = decoder_sparse_step.
std::vector<bool> layers_of(const config_reader &in, const decoder_family &family,
                            int64_t n_layers) {
  std::vector<bool> out(static_cast<size_t>(n_layers), true);
  if (family.key("decoder_sparse_step") == nullptr) return out;
  const int64_t nth = in.integer("decoder_sparse_step", 1);
  if (nth < 1) in.refuse("config.json: 'decoder_sparse_step' must be at least 1");
  for (int64_t i = 0; i < n_layers; ++i) out[static_cast<size_t>(i)] = (i + 1) % nth == 0;
  if (!in.has("mlp_only_layers")) return out;
  const json &dense = in.value("mlp_only_layers");
  if (!dense.is_array()) in.refuse("config.json: 'mlp_only_layers' is no list of layers");
  for (const json &layer : dense) {
    if (!layer.is_number_integer())
      in.refuse("config.json: 'mlp_only_layers' is no list of layers");
    const int64_t i = layer.get<int64_t>();
    if (i >= 0 && i < n_layers) out[static_cast<size_t>(i)] = false;
  }
  return out;
}

}  // namespace

void read_experts(const config_reader &in, const decoder_family &family, decoder_config &out) {
  const expert_rule *rule = family.maths.experts;
  if (rule == nullptr) return;
  expert_config &experts = out.experts;
  experts.count = count_of(in, family);
  if (experts.count == 0) return;
  experts.per_token = in.integer("num_experts_per_tok", absent(family, "num_experts_per_tok"));
  experts.size = rule->size_key == nullptr
                     ? out.intermediate_size
                     : in.size(rule->size_key, absent(family, rule->size_key));
  experts.normalized = rule->always_normalized || in.boolean("norm_topk_prob", false);
  experts.names = rule->names;
  experts.layers = layers_of(in, family, out.n_layers);
  if (experts.size < 1)
    in.refuse(std::string("config.json: '") + rule->size_key + "' must be at least 1");
  if (experts.per_token < 1 || experts.per_token > experts.count)
    in.refuse("config.json: 'num_experts_per_tok' is not between 1 and the number of experts, " +
              std::to_string(experts.count));
}

}  // namespace assay::model
