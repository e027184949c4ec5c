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
  added_token_matcher raw_matcher;  // tokens looked for before normalization
  added_token_matcher normal_matcher;
  normalizer_chain normalizers;
  pre_tokenizer_chain pre_tokenizers;
  std::unique_ptr<const bpe_model> model;
  post_processor post;
  decoder_plan decoder;
  json special_tokens = json::object();  // name -> text
  json chat_templates = json::object();  // name -> Jinja text; the unnamed one is "default"

  // Working memory, lent to one encode at a time.
  std::unique_ptr<bpe_scratch> take_scratch() const;
  void give_scratch(std::unique_ptr<bpe_scratch> scratch) const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<bpe_scratch>> scratches_;
};

// tokenizer_build.cpp. `config` is tokenizer_config.json, or an empty object. Throw error(failed).
std::unique_ptr<tokenizer_parts> build_parts(tokenizer_file file, const json &config,
                                             const std::string &where);

// legacy_files.cpp: a tokenizer.json's head for vocab.json + merges.txt, by the configuration's
// tokenizer_class. Throws error(failed) for a class that is not known.
tokenizer_file read_legacy_folder(const std::string &folder, const json &config);

}  // namespace assay::text
