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
// GGUF what its metadata gives, of an adapter its base's configuration and the tokenizer in force.
std::map<std::string, std::string> subject_files(const model::checkpoint &subject);

// Chat templates beside the default one, which lie in a folder of their own: exporters see only the
// files of one folder, so save writes these itself. Name below the folder -> bytes.
std::map<std::string, std::string> subject_templates(const model::checkpoint &subject);

}  // namespace assay::quant
