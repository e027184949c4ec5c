// Finds signs that a text repeats itself: loops at its end, repeated n-grams (runs of n tokens or words), lines and
// sentences. These functions decide what a loop is, and which limits of Rae et al. 2021 a text breaks; otherwise they
// only count. scripts/assay/detectors has the limits for answers, and compares with the unquantized model.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace assay::signals {

// A loop at the end of a sequence of tokens: "a b a b a b" has period 2 and 3 repeats.
struct suffix_period {
  int64_t period = 0;   // tokens in the repeated piece; 0 = no loop
  int64_t repeats = 0;  // how often the piece occurs in a row at the end of the last 256 tokens
};

// Looks at the last 256 tokens for the shortest piece of up to 64 tokens that repeats often enough: a single token 16 times, a piece
// of up to 8 tokens 8 times, a longer one 4 times.
suffix_period find_suffix_period(std::span<const int32_t> tokens);

// 1 - (number of distinct n-grams) / (number of n-grams); Welleck et al. 2019 use n = 4. 0 for fewer than n tokens.
double ngram_repetition(std::span<const int32_t> tokens, size_t n);

struct token_shares {
  double top = 0.0;       // share of the most frequent token
  int32_t top_token = 0;  // the most frequent token; of several, the one with the smallest id
  double distinct = 0.0;  // number of distinct tokens / number of tokens
  double entropy = 0.0;   // in nats, of the tokens' shares
};
token_shares count_tokens(std::span<const int32_t> tokens);

// The rules of Rae et al. 2021 (the Gopher paper, arXiv 2112.11446, table A1) that a text breaks. They limit duplicated lines and
// paragraphs, the most frequent 2- to 4-grams and duplicated 5- to 10-grams of words. Returns names such as "dup_line" or
// "top_3_gram"; none for texts of up to 100 words.
std::vector<const char *> gopher_violations(std::string_view text);

// How often the most frequent line or sentence of at least 20 bytes occurs; 0 if there is none. Lines and sentences end at the
// characters \n . ! ? and : here.
int64_t most_repeated_segment(std::string_view text);

}  // namespace assay::signals
