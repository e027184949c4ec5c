// Collects the files of a subject that every export carries: configuration, tokenizer, chat
// template, training record.
#pragma once

#include <map>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::quant {

// Name -> bytes. Of a folder: every plain file verbatim except weights, adapters, indexes, README.md and
// quantization_metadata.json; config.json loses its quantization_config, because tensors are given out
// dequantized. Of a GGUF file: what its metadata gives.
// Of an adapter: the configuration of its base and the tokenizer in force. Throws error(failed) for a link to nothing, a
// pipe or a Git LFS pointer among the files.
std::map<std::string, std::string> subject_files(const model::checkpoint &subject);

// Chat templates beside the default one, which lie in a folder of their own: exporters see only the
// files of one folder, so save writes these itself. Name below the folder -> bytes.
std::map<std::string, std::string> subject_templates(const model::checkpoint &subject);

}  // namespace assay::quant
