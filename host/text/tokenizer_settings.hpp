// What the files beside tokenizer.json declare: added tokens, special tokens by name, chat templates.
// The one reading of them, by the precedence of transformers 5.23 (tokenization_utils_base.py,
// _from_pretrained; tokenization_utils_tokenizers.py, TokenizersBackend.__init__). Not tokenizer.json.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/tokenizer_files.hpp"
#include "text/added_tokens.hpp"

namespace assay::text {

struct tokenizer_settings {
  // Tokens with declared ids. Of added_tokens_decoder they win over tokenizer.json; of
  // added_tokens.json, which is read only where there is no added_tokens_decoder, they do not.
  std::vector<added_token> decoder, beside;
  // Special tokens by name and then those without one: behind the vocabulary where it lacks them.
  std::vector<added_token> special;
  json names = json::object();            // name -> text of special tokens, in the files' order
  json chat_templates = json::object();   // name -> Jinja text; the unnamed one is "default"
  bool split_special = false;             // special tokens in a text are cut like other words
  bool add_bos = false, add_eos = false;  // where there is no tokenizer.json to say it
  json config = json::object();           // tokenizer_config.json as it is
};

// Throws error(failed) at the file for what does not have the expected form.
tokenizer_settings read_settings(const tokenizer_files &files);

}  // namespace assay::text
