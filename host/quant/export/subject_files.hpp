// Collects the files of a subject (the source model) that every export contains besides weights:
// configuration, tokenizer, chat template, training record.
#pragma once

#include <map>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::quant {

// Returns name -> bytes. From a folder it takes each plain file of at most 64 MiB unchanged, except
// weights, adapters, indexes, hidden files, README.md and quantization_metadata.json. config.json
// loses its quantization_config, because untouched tensors are written dequantized. From a GGUF file
// it takes what the file's metadata give. For an adapter it takes the configuration of the base model
// and the tokenizer that the subject uses. Throws error(failed) if a file is a pipe or a link without
// a target, or if a part of the model is a Git LFS pointer instead of the file itself.
std::map<std::string, std::string> subject_files(const model::checkpoint &subject);

// Returns the chat templates other than the default one, as path within the folder -> bytes. They are
// in a subfolder. save() writes them itself, because exporters write the files of one folder only.
std::map<std::string, std::string> subject_templates(const model::checkpoint &subject);

}  // namespace assay::quant
