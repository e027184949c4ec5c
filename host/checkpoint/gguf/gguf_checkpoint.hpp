// Opens a GGUF file as a checkpoint, with config, tokenizer files and tensors under the names that
// they have in a Hugging Face folder.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/gguf/gguf_metadata.hpp"

namespace assay::model {

// Throws error(failed) for a damaged file and for an architecture or format that is not supported.
std::shared_ptr<checkpoint> open_gguf_checkpoint(const std::string &path);

}  // namespace assay::model
