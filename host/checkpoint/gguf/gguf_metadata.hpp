// Turns GGUF metadata into the files of a Hugging Face folder (configurations, tokenizer, chat
// templates), and makes a note on the origin of the weights. These functions do not use LibTorch, so that a fuzzer
// can run them alone. The exception is gguf_hf_name: its file, gguf_checkpoint.cpp, uses LibTorch.
#pragma once

#include <string>

#include "checkpoint/gguf/gguf_file.hpp"
#include "core/json.hpp"
#include "core/tokenizer_files.hpp"

namespace assay::model {

// The comment beside a function names the file that it makes. These functions throw error(failed)
// for metadata that the file cannot express; the message names this metadata.
json gguf_config(const gguf_file &file);                 // config.json
std::string gguf_tokenizer_json(const gguf_file &file);  // tokenizer.json, text
json gguf_tokenizer_config(const gguf_file &file);       // tokenizer_config.json
json gguf_chat_templates(const gguf_file &file);  // name -> Jinja text; the unnamed is "default"
tokenizer_files gguf_tokenizer_files(const gguf_file &file);  // tokenizer files and templates
json gguf_generation_config(const gguf_file &file);           // generation_config.json
// {source, name, license, formats: {format: number of matrices}, note}; note is "" for float files.
json gguf_provenance(const gguf_file &file);
// "blk.0.attn_q.weight" -> "model.layers.0.self_attn.q_proj.weight"; "" if there is no such name.
// architecture: general.architecture of the file.
std::string gguf_hf_name(const std::string &gguf_name, const std::string &architecture);

}  // namespace assay::model
