// Added tokens: texts that are cut out of the input before anything else looks at it.
// Not the vocabulary of the model (token_table).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/token_table.hpp"

namespace assay::text {

struct added_token {
  std::string content;
  int32_t id = -1;
  bool single_word = false;  // only if no word character stands beside it
  bool lstrip = false;       // takes the white space on its left with it
  bool rstrip = false;       // and on its right
  bool normalized = false;   // is looked for in the normalized text, in normalized spelling
  bool special = false;      // left out by decode(skip_special)
};

// Finds the tokens of one kind (raw or normalized) in a text: leftmost, the longest of those that
// start there, not overlapping; then the flags decide.
class added_token_matcher {
 public:
  // `pattern` is the spelling to look for: the content, or the normalized content.
  void add(std::string pattern, const added_token &token);
  // After the last add. split_special: a special token that is found stays text, and none inside it
  // is looked for, as in the reference.
  void finish(bool split_special = false);
  bool empty() const { return tokens_.empty(); }

  // Calls text(piece, offset) for the stretches between and token(id) for the tokens, in order.
  void split(std::string_view input, const std::function<void(std::string_view, size_t)> &text,
             const std::function<void(int32_t)> &token) const;

 private:
  struct pattern {
    std::string text;
    added_token token;
  };
  // The longest pattern that starts at `at`; nullptr if none does.
  const pattern *longest_at(std::string_view input, size_t at) const;

  std::vector<pattern> tokens_;         // sorted by text
  std::vector<uint32_t> lengths_[256];  // lengths of the patterns by first byte, longest first
  token_table by_text_;                 // pattern text -> index into tokens_
  bool is_first_byte_[256] = {};
  bool split_special_ = false;
};

}  // namespace assay::text
