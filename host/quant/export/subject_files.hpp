// Collects the files of a subject (the source model) that every export contains besides weights:
// configuration, tokenizer, chat template, training record.
#pragma once

#include <map>
#include <string>

#include "checkpoint/checkpoint.hpp"

namespace assay::quant {

// Returns name -> bytes. Of a folder: each plain file of at most 64 MiB unchanged, except weights, adapters, indexes, README.md and
// quantization_metadata.json. config.json loses its quantization_config, because untouched tensors are written dequantized. Of a GGUF
// file: what its metadata gives. Of an adapter: the configuration of its base, and the tokenizer that the subject uses. Throws
// error(failed) if one of the files is a link to nothing or a pipe, or a part of the model is a Git LFS pointer.
std::map<std::string, std::string> subject_files(const model::checkpoint &subject);

// Returns the chat templates other than the default one, as name below the folder -> bytes. They are in a folder of their own. save()
// writes them itself, because exporters write the files of one folder only.
std::map<std::string, std::string> subject_templates(const model::checkpoint &subject);

}  // namespace assay::quant
