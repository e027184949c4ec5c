// Turns GGUF metadata into the files of a Hugging Face folder: config, tokenizer, provenance. It
// needs no tensors, so that it runs without LibTorch and is fuzzed.
#pragma once

#include <string>

#include "checkpoint/gguf/gguf_file.hpp"
#include "core/json.hpp"
#include "core/tokenizer_files.hpp"

namespace assay::model {

// Each throws error(failed) naming what it cannot express.
json gguf_config(const gguf_file &file);                 // config.json
std::string gguf_tokenizer_json(const gguf_file &file);  // tokenizer.json, text
json gguf_tokenizer_config(const gguf_file &file);       // tokenizer_config.json
json gguf_chat_templates(const gguf_file &file);  // name -> Jinja text; the unnamed one "default"
tokenizer_files gguf_tokenizer_files(const gguf_file &file);  // all of them, as a folder has them
json gguf_generation_config(const gguf_file &file);           // generation_config.json
json gguf_provenance(
    const gguf_file &file);  // {source, formats: {...}, note}; note "" for float files
std::string gguf_hf_name(
    const std::string &gguf_name);  // "blk.0.attn_q.weight" -> HF name, "" if it has none

}  // namespace assay::model
