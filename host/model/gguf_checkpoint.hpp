// A GGUF file seen as a Hugging Face checkpoint: config, tokenizer files and tensors under their
// usual names.
// Not the container (gguf_file) and not the block formats (gguf_blocks).
#pragma once

#include <memory>
#include <string>

#include "core/json.hpp"
#include "model/checkpoint.hpp"
#include "model/gguf_file.hpp"

namespace assay::model {

std::shared_ptr<checkpoint> open_gguf_checkpoint(const std::string &path);

// The pieces, for tests. Each throws error(failed) naming what it cannot express.
json gguf_config(const gguf_file &file);                 // config.json
std::string gguf_tokenizer_json(const gguf_file &file);  // tokenizer.json, text
json gguf_tokenizer_config(const gguf_file &file);       // tokenizer_config.json
json gguf_generation_config(const gguf_file &file);      // generation_config.json
json gguf_provenance(
    const gguf_file &file);  // {source, formats: {...}, note}; note "" for float files
std::string gguf_hf_name(
    const std::string &gguf_name);  // "blk.0.attn_q.weight" -> HF name, "" if it has none

}  // namespace assay::model
