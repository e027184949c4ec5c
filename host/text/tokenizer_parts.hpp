// Holds the parts of one tokenizer (normalizers, model and others), ready to run. Only files of
// host/text include this file; other folders include tokenizer.hpp.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/json.hpp"
#include "text/added_tokens.hpp"
#include "text/bpe_model.hpp"
#include "text/detokenizer.hpp"
#include "text/normalizer.hpp"
#include "text/pre_tokenizer.hpp"
#include "text/tokenizer_settings.hpp"

namespace assay::text {

// The ids that encode(text, add_special = true) puts before and after the ids of the text.
struct post_processor {
  std::vector<int32_t> before, after;
};

struct tokenizer_parts {
  std::vector<added_token> added;                    // in the file's order
  token_table added_ids;                             // content -> id
  std::unordered_map<int32_t, size_t> added_places;  // id -> place in `added`
  // Id -> normalized text of an added token whose text the normalizer changes. As in the reference,
  // such a token is shown and decoded in this spelling.
  std::unordered_map<int32_t, std::string> shown_added;
  std::vector<bool> special;           // by id
  bool split_special = false;          // special tokens in a text are encoded like plain text
  added_token_matcher raw_matcher;     // finds tokens in the text before normalization
  added_token_matcher normal_matcher;  // finds tokens in the normalized text
  normalizer_chain normalizers;
  pre_tokenizer_chain pre_tokenizers;
  std::unique_ptr<const bpe_model> model;
  post_processor post;
  text::detokenizer detokenizer;
  json special_tokens = json::object();  // name -> text
  json chat_templates = json::object();  // name -> Jinja text; the unnamed one is "default"

  // Lend a working memory to one call of encode(), and take it back.
  std::unique_ptr<bpe_scratch> take_scratch() const;
  void give_scratch(std::unique_ptr<bpe_scratch> scratch) const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<bpe_scratch>> scratches_;
};

// In tokenizer_build.cpp. Both throw error(failed) for a part that is invalid or not supported.
std::unique_ptr<tokenizer_parts> build_parts(tokenizer_file file,
                                             const tokenizer_settings &settings,
                                             const std::string &where);
// Reads an added token from its description, {"content": text, flags}. part: the name of the list
// or key that has the description, for messages.
added_token read_added_token(const json &description, const std::string &part);

// In legacy_files.cpp. Reads vocab.json and merges.txt; the configuration's tokenizer_class decides
// the other parts. Throws error(failed) for an unknown class.
tokenizer_file read_legacy_files(const tokenizer_files &files, const json &config);
std::string class_of(const json &config);               // tokenizer_class; "" if it is absent
json default_tokens_of_class(const std::string &name);  // special tokens of a class, by their names

}  // namespace assay::text
