// Reads tokenizer.json (and vocab.json, merges.txt) without building a tree of the vocabulary.
// Not the meaning of its parts; tokenizer_build.cpp gives them one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "text/token_table.hpp"

namespace assay::text {

// Pairs of token texts in one arena, in rank order.
class merge_list {
 public:
  void add(std::string_view left, std::string_view right);
  size_t size() const { return spans_.size(); }
  std::pair<std::string_view, std::string_view> operator[](size_t rank) const;  // borrow

 private:
  struct span {
    uint64_t offset;
    uint32_t left, right;  // bytes
  };
  std::string arena_;
  std::vector<span> spans_;
};

struct tokenizer_file {
  json head;  // everything but model.vocab and model.merges, key order kept
  token_table vocab;
  merge_list merges;
  bool vocab_is_list = false;  // the Unigram form, skipped
};

// Throw error(failed) at `where` for text that is not such a file.
tokenizer_file read_tokenizer_json(std::string_view text, const std::string &where);
void read_vocab_json(std::string_view text, const std::string &where, token_table &vocab);
void read_merges_txt(std::string_view text, const std::string &where, merge_list &merges);

}  // namespace assay::text
