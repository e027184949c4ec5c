// Presents a GGUF file as a Hugging Face checkpoint: config, tokenizer files and tensors under
// their usual names.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/gguf/gguf_metadata.hpp"

namespace assay::model {

std::shared_ptr<checkpoint> open_gguf_checkpoint(const std::string &path);

}  // namespace assay::model
