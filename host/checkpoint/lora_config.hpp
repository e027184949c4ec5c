// adapter_config.json of a PEFT LoRA adapter: what decides the merged weights. Everything that would make them another sum
// than W + scale * B A is refused by its name, with the way out.
// Not the adapter's tensors (lora_tensors).
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::model {

struct lora_config {
  double rank = 8, alpha = 8;        // PEFT's own values where the keys are absent
  bool rslora = false;               // scale = alpha / sqrt(rank), arXiv:2312.03732
  std::vector<std::string> targets;  // target_modules where it is a list of names

  // Of a module ("model.layers.0.self_attn.q_proj"), the patterns considered.
  double rank_of(const std::string &module) const;
  double scale_of(const std::string &module) const;

  json rank_pattern = json::object(), alpha_pattern = json::object();
};

// Reads FOLDER/adapter_config.json. Throws error(failed) at the folder for a key that is not read or has another form.
lora_config read_lora_config(const std::string &folder);

// What to do with an adapter that is not read.
extern const char *const k_merge_with_peft;

}  // namespace assay::model
