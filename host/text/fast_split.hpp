// Matches the split patterns of nearly all byte-level models with hand-written code, because a regular
// expression is much slower. Tests compare this code with the regex library PCRE2 on random texts.
#pragma once

#include <optional>
#include <string_view>

namespace assay::text {

enum class known_pattern {
  gpt2,    // the built-in pattern of the ByteLevel pre-tokenizer
  qwen2,   // each digit is a piece
  llama3,  // up to three digits are a piece
};

extern const std::string_view k_gpt2_pattern, k_qwen2_pattern, k_llama3_pattern;

// Returns which known pattern this one equals, byte for byte; nullopt if it equals none.
std::optional<known_pattern> recognise_pattern(std::string_view pattern);

// Returns the end of the match that begins at `at`. The text [at, end) is valid UTF-8 and not
// empty. These patterns match every text without gaps, so the end of a match is the beginning
// of the next.
const char *match_end(known_pattern pattern, const char *at, const char *end);

}  // namespace assay::text
