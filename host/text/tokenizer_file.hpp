// Reads tokenizer.json (or vocab.json and merges.txt). The large parts, vocabulary and merges, go
// into their tables without a JSON tree. tokenizer_build.cpp interprets the other parts.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "text/token_table.hpp"

namespace assay::text {

// The merges of a BPE model: pairs of token texts that are joined, in the order of the file. One
// string holds all these texts; operator[] returns views into it.
class merge_list {
 public:
  void add(std::string_view left, std::string_view right);
  size_t size() const { return spans_.size(); }
  std::pair<std::string_view, std::string_view> operator[](size_t rank) const;

 private:
  struct span {
    uint64_t offset;
    uint32_t left, right;  // bytes
  };
  std::string arena_;
  std::vector<span> spans_;
};

struct tokenizer_file {
  json head;  // everything except model.vocab and model.merges, with keys in the file's order
  token_table vocab;
  merge_list merges;
  bool vocab_is_list = false;  // the vocabulary has the form of a Unigram model and was skipped
};

// Each throws error(failed) at `where` if the text is not such a file.
tokenizer_file read_tokenizer_json(std::string_view text, const std::string &where);
void read_vocab_json(std::string_view text, const std::string &where, token_table &vocab);
void read_merges_txt(std::string_view text, const std::string &where, merge_list &merges);

}  // namespace assay::text
