// Gives the tensors of a base checkpoint, with a PEFT LoRA adapter merged into each adapted weight when it is read: W + scale * B A, in
// fp32. lora_config reads the adapter's configuration, and lora finds the base.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/lora_config.hpp"

namespace assay::model {

// Opens FOLDER/adapter_model.safetensors. Throws error(failed) that names the tensor: one that fits no weight of the base, an A without its
// B, a stored copy of the base's embedding or head that differs from the base, or an adapter of a matrix that is both embedding and head.
std::shared_ptr<const tensor_source> open_lora_source(std::shared_ptr<const checkpoint> base,
                                                      const std::string &folder,
                                                      const lora_config &config);

}  // namespace assay::model
