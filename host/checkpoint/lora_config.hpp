// Reads adapter_config.json of a LoRA adapter of the library PEFT: the settings that decide the merged weights W + scale * B A. W is a
// weight of the base model; A and B are small matrices of the adapter. A setting that asks for another formula is refused; the message
// names the setting and says what to do. lora_source.hpp reads the adapter's tensors.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::model {

struct lora_config {
  double rank = 8, alpha = 8;        // PEFT's defaults; A is [rank, in], B is [out, rank]
  bool rslora = false;               // another scale: see scale_of
  std::vector<std::string> targets;  // target_modules, if it is a list of names

  // Rank and scale of one module ("model.layers.0.self_attn.q_proj"). A pattern that names the
  // module replaces the general value. The scale is alpha / rank; with rslora (arXiv:2312.03732) it is
  // alpha / sqrt(rank).
  double rank_of(const std::string &module) const;
  double scale_of(const std::string &module) const;

  json rank_pattern = json::object(), alpha_pattern = json::object();  // pattern -> number
};

// Reads FOLDER/adapter_config.json. Throws error(failed) for a key that asks for something unsupported or has a wrong type.
lora_config read_lora_config(const std::string &folder);

// The hint for an adapter that cannot be read: merge it with PEFT first.
extern const char *const k_merge_with_peft;

}  // namespace assay::model
