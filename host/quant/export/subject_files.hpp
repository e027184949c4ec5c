// The files of a subject that travel with every export: configuration, tokenizer, chat template,
// training record.
// Not its weights, and not the card and metadata that save writes itself.
#pragma once

#include <map>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::quant {

// Name -> bytes. Of a folder every plain file verbatim except weights, indexes, README.md and
// quantization_metadata.json; config.json loses a quantization_config, since tensors are handed out
// dequantized. Of a
// GGUF what its metadata gives.
std::map<std::string, std::string> subject_files(const model::checkpoint &subject);

}  // namespace assay::quant
