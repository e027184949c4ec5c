// Direct matchers for the split patterns that nearly all byte-level models use.
// Not a regex engine: each is written out by hand and tested against PCRE2 on random text.
#pragma once

#include <optional>
#include <string_view>

namespace assay::text {

enum class known_pattern {
  gpt2,    // the ByteLevel pre-tokenizer's own
  qwen2,   // digits one by one
  llama3,  // digits by up to three
};

extern const std::string_view k_gpt2_pattern, k_qwen2_pattern, k_llama3_pattern;

// Which of them a pattern is, byte for byte.
std::optional<known_pattern> recognise_pattern(std::string_view pattern);

// Where the match that begins at `at` ends, in valid UTF-8. These patterns match every text without
// gaps, so the pieces are [0, end), [end, ...), ... at < end of text.
const char *match_end(known_pattern pattern, const char *at, const char *end);

}  // namespace assay::text
