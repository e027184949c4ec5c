// Signs of a text that repeats itself: loops at its end, repeated n-grams, lines and segments.
// It counts; thresholds of answers and the comparison with the untouched model are made by scripts/assay/detectors.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace assay::signals {

// A loop at the end of a sequence of tokens.
struct suffix_period {
  int64_t period = 0;   // tokens; 0 = no loop
  int64_t repeats = 0;  // whole repetitions within the window
};

// Looks at the last 256 tokens for the smallest period up to 64 that repeats often enough: 16 times for a single
// token, 8 times up to period 8, 4 times beyond.
suffix_period find_suffix_period(std::span<const int32_t> tokens);

// 1 - distinct / all n-grams (Welleck et al. 2019, n = 4); 0 for a text shorter than n.
double ngram_repetition(std::span<const int32_t> tokens, size_t n);

struct token_shares {
  double top = 0.0;  // share of the commonest token
  int32_t top_token = 0;
  double distinct = 0.0;  // distinct tokens / tokens
  double entropy = 0.0;   // nats, of the histogram
};
token_shares count_tokens(std::span<const int32_t> tokens);

// Rules of Rae et al. 2021 (arXiv 2112.11446, table A1) that a text breaks: duplicated lines and paragraphs, most
// common 2- to 4-grams, duplicated 5- to 10-grams. Names such as "dup_line" or "top_3_gram". Empty for texts of up
// to 100 words.
std::vector<const char *> gopher_violations(std::string_view text);

// How often the most repeated line or sentence of at least 20 bytes occurs; delimiters are \n . ! ? :
int64_t most_repeated_segment(std::string_view text);

}  // namespace assay::signals
