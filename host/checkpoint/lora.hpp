// Merges a PEFT LoRA adapter when a weight is read: W + scale * B A.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::model {

// adapter_config.json, and not the config.json and weights of a whole model. Throws error(failed) for a folder that has both:
// transformers puts the adapter on its own base, vLLM reads the weights.
bool is_lora_folder(const std::string &folder);

// The base comes from `base`, or from the adapter's base_model_name_or_path where that is a folder
// (absolute, beside the adapter or under the current folder). Throws error(failed) naming what
// cannot be merged.
std::shared_ptr<checkpoint> open_lora(const std::string &folder, const std::string &base = "");

}  // namespace assay::model
