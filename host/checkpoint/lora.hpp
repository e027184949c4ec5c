// PEFT LoRA adapters, merged when a weight is read: W + scale * B A. Not training, and no adapter
// switching.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::model {

bool is_lora_folder(const std::string &folder);  // adapter_config.json and no config.json

// The base comes from the adapter's base_model_name_or_path where that is a folder (absolute,
// beside the adapter or under the current folder), or from `base`. Throws error(failed) naming
// what cannot be merged.
std::shared_ptr<checkpoint> open_lora(const std::string &folder, const std::string &base = "");

}  // namespace assay::model
