// Reads what the files beside tokenizer.json declare: added tokens, special tokens by name, and
// chat templates. No other code interprets these files, except for the chat templates, which
// core/tokenizer_files reads. If the files disagree, the rules of transformers 5.23 decide which file
// wins (tokenization_utils_base.py, _from_pretrained; tokenization_utils_tokenizers.py,
// TokenizersBackend.__init__).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/tokenizer_files.hpp"
#include "text/added_tokens.hpp"

namespace assay::text {

struct tokenizer_settings {
  // Tokens with declared ids. Those in `decoder` come from the key added_tokens_decoder of
  // tokenizer_config.json; their flags replace those of tokenizer.json. Those in `beside` come
  // from added_tokens.json, which is read only if that key is missing. If tokenizer.json has a token
  // of `beside` with another id, the id of tokenizer.json is used.
  std::vector<added_token> decoder, beside;
  // Special tokens with a name, such as eos_token, then those without a name. A special token that is
  // not in the vocabulary gets an id after those of all other tokens.
  std::vector<added_token> special;
  json names = json::object();            // name -> text of special tokens, in the files' order
  json chat_templates = json::object();   // name -> Jinja text; the unnamed one is "default"
  bool split_special = false;             // special tokens in a text are encoded like plain text
  bool add_bos = false, add_eos = false;  // read only if there is no tokenizer.json
  json config = json::object();           // tokenizer_config.json, unchanged
};

// Throws error(failed) that names the file if a file does not have the expected form.
tokenizer_settings read_settings(const tokenizer_files &files);

}  // namespace assay::text
