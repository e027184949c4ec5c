// Opens a LoRA adapter of the library PEFT: small trained matrices A and B for some weights W of a base model. Each weight is merged when
// it is read: W + scale * B A.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::model {

// Returns whether the folder has adapter_config.json and is not a whole model (config.json with weights). Throws error(failed) for a folder
// that is both, because programs disagree about it: transformers applies the adapter to its base, vLLM reads the weights.
bool is_lora_folder(const std::string &folder);

// Opens the adapter over the model `base`. If `base` is empty, the adapter's base_model_name_or_path names the folder; a relative
// name is looked for below the adapter's folder, then below the current folder. Throws error(failed) that names a missing base or what
// cannot be merged.
std::shared_ptr<checkpoint> open_lora(const std::string &folder, const std::string &base = "");

}  // namespace assay::model
