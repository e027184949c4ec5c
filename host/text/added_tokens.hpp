// Finds added tokens in a text and cuts the text there, before it is split into words. Added
// tokens are texts with an id of their own, such as "<|im_start|>". token_table holds the other
// tokens, the vocabulary.
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
  bool single_word = false;  // matches only if no word character is next to it
  bool lstrip = false;       // also removes the white space on its left
  bool rstrip = false;       // also removes the white space on its right
  bool normalized = false;   // its normalized spelling is searched for in the normalized text
  bool special = false;      // decode(skip_special) leaves it out
};

// A stretch of a text, in bytes.
struct text_span {
  size_t begin = 0, end = 0;
};

// Finds the tokens of one kind (raw or normalized) in a text. It goes from left to right and takes
// the longest token that starts at a place; matches do not overlap. Then the flags of that token
// decide whether it counts. If it does not, no shorter token is tried at that place.
class added_token_matcher {
 public:
  // `pattern` is the spelling to search for: the content, or the normalized content.
  void add(std::string pattern, const added_token &token);
  // Call this after the last add. If split_special is true, a special token that is found stays
  // text, and no other token is searched for inside it, as in the reference (Hugging Face).
  void finish(bool split_special = false);
  bool empty() const { return tokens_.empty(); }

  // Calls token(id) for each token and text(piece, offset) for each stretch between tokens, in the
  // order of the input. offset: in bytes of the input. plain: spans of the input; a special token that
  // touches one stays text.
  void split(std::string_view input, const std::function<void(std::string_view, size_t)> &text,
             const std::function<void(int32_t)> &token,
             const std::vector<text_span> &plain = {}) const;

  // Returns where special tokens stand in the text, from left to right.
  std::vector<text_span> special_tokens(std::string_view input) const;

 private:
  struct pattern {
    std::string text;
    added_token token;
  };
  // The longest pattern that starts at `at`; nullptr if none does.
  const pattern *longest_at(std::string_view input, size_t at) const;

  std::vector<pattern> tokens_;         // in the order of add()
  std::vector<uint32_t> lengths_[256];  // lengths of the patterns by first byte, longest first
  token_table by_text_;                 // pattern text -> place in tokens_
  bool is_first_byte_[256] = {};
  bool split_special_ = false;
};

}  // namespace assay::text
