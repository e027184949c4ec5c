// The compiled pipeline of one tokenizer: every part of its file, ready to run.
// Not public to upper layers; they use tokenizer.hpp.
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

// Ids before and after those of the text, when special tokens are added.
struct post_processor {
  std::vector<int32_t> before, after;
};

struct tokenizer_parts {
  std::vector<added_token> added;  // in the file's order
  token_table added_ids;           // content -> id
  // The reference shows and decodes a normalized added token in its normalized spelling.
  std::unordered_map<int32_t, std::string> shown_added;
  std::vector<bool> special;        // by id
  bool split_special = false;       // special tokens in a text are cut like other words
  added_token_matcher raw_matcher;  // tokens looked for before normalization
  added_token_matcher normal_matcher;
  normalizer_chain normalizers;
  pre_tokenizer_chain pre_tokenizers;
  std::unique_ptr<const bpe_model> model;
  post_processor post;
  text::detokenizer detokenizer;
  json special_tokens = json::object();  // name -> text
  json chat_templates = json::object();  // name -> Jinja text; the unnamed one is "default"

  // Working memory, lent to one encode at a time.
  std::unique_ptr<bpe_scratch> take_scratch() const;
  void give_scratch(std::unique_ptr<bpe_scratch> scratch) const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<bpe_scratch>> scratches_;
};

// tokenizer_build.cpp; throw error(failed). An added token by its description: a content and flags.
std::unique_ptr<tokenizer_parts> build_parts(tokenizer_file file,
                                             const tokenizer_settings &settings,
                                             const std::string &where);
added_token read_added_token(const json &description, const std::string &part);

// legacy_files.cpp: a tokenizer.json's head for vocab.json + merges.txt, by the configuration's
// tokenizer_class, "" if it names none. Throws error(failed) for a class that is not known.
tokenizer_file read_legacy_files(const tokenizer_files &files, const json &config);
std::string class_of(const json &config);
json default_tokens_of_class(const std::string &name);  // special tokens of a class, by name

}  // namespace assay::text
