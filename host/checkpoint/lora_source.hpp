// The tensors of a base checkpoint with a PEFT LoRA adapter merged into them when they are read: W + scale * B A, in fp32.
// Not the adapter's configuration (lora_config), and not a search for the base (lora).
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/lora_config.hpp"

namespace assay::model {

// Opens FOLDER/adapter_model.safetensors. Throws error(failed) naming a tensor that has no place in the base, a half that is
// missing, a copy of a base's table that differs from it, and an adapter of a table that is both embedding and head.
std::shared_ptr<const tensor_source> open_lora_source(std::shared_ptr<const checkpoint> base,
                                                      const std::string &folder,
                                                      const lora_config &config);

}  // namespace assay::model
