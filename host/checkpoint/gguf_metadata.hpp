// What a GGUF's metadata says, in the words of a Hugging Face folder: config, tokenizer, provenance.
// No tensors: these run where there is no LibTorch, and are fuzzed.
#pragma once

#include <string>

#include "checkpoint/gguf_file.hpp"
#include "core/json.hpp"

namespace assay::model {

// Each throws error(failed) naming what it cannot express.
json gguf_config(const gguf_file &file);                 // config.json
std::string gguf_tokenizer_json(const gguf_file &file);  // tokenizer.json, text
json gguf_tokenizer_config(const gguf_file &file);       // tokenizer_config.json
json gguf_generation_config(const gguf_file &file);      // generation_config.json
json gguf_provenance(
    const gguf_file &file);  // {source, formats: {...}, note}; note "" for float files
std::string gguf_hf_name(
    const std::string &gguf_name);  // "blk.0.attn_q.weight" -> HF name, "" if it has none

}  // namespace assay::model
