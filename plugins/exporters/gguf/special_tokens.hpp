// The tokens of a GGUF file, those with a role, and the chat templates.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "metadata.hpp"

namespace gguf {

// Values of tokenizer.ggml.token_type.
enum token_type : int32_t {
  k_normal = 1,
  k_unknown = 2,
  k_control = 3,       // an added token that is special
  k_user_defined = 4,  // an added token that is not special
  k_unused = 5,        // a row of the embedding without a token
  k_byte = 6
};

struct vocabulary {
  std::vector<std::string> tokens;  // by id
  std::vector<int32_t> types;
  std::unordered_map<std::string, int64_t> ids;  // of all tokens that are used
};

// Adds the ids of the tokens with a role, and whether one begins or ends each text.
void put_special_tokens(const vocabulary &v, const assay_json::value &tokenizer,
                        const assay_json::value &settings, const model_files &files, metadata &to);

// Adds the chat templates of chat_template.jinja, else of tokenizer_config.json.
void put_templates(const assay_json::value &settings, const model_files &files, metadata &to);

}  // namespace gguf
