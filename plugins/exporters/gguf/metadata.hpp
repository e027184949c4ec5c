// Turns config.json and the tokenizer files into the metadata of a GGUF file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "container.hpp"
#include "exporters.hpp"
#include "plan.hpp"

namespace gguf {

// The small files of the source model by name. Only these are read: config.json,
// generation_config.json, tokenizer.json, tokenizer_config.json, chat_template.jinja.
using model_files = std::map<std::string, std::string>;

// The parsed file, or null if there is none. Throws failure that names the file if it is no JSON.
assay_json::value json_file(const model_files &files, const std::string &name);

// Adds the keys of the architecture. Appends rope_freqs.weight to `entries` if the model scales
// RoPE in the way of Llama 3.
void put_architecture(const plan &p, const model_files &files, const assay_cpp::host &host,
                      metadata &to, std::vector<entry> &entries);

// gemma.cpp: adds the keys that only Gemma 2 and 3 have. Throws failure for a configuration that
// llama.cpp computes otherwise.
void put_gemma(const plan &p, const assay_json::value &config, metadata &to);

// tokenizer.cpp: adds the keys of the tokenizer and the chat templates.
void put_tokenizer(const plan &p, const model_files &files, metadata &to);

// sentencepiece.cpp: the score of each token, by its id, such that merging by scores gives these
// merges. whole: tokens that are found in a text as a whole, so that merges of them do not count.
// Throws failure if there are no such scores.
std::vector<float> scores_of(const std::vector<std::string> &tokens, const std::vector<bool> &whole,
                             const std::vector<std::string> &merges);

}  // namespace gguf
