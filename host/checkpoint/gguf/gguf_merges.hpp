// Derives the merges of a BPE tokenizer from SentencePiece's token scores, because such a vocabulary
// stores no merges. A merge says which two tokens may be joined to a third.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::model {

// Returns texts "left right", best first: every way to join a token from two others, ordered by
// that token's score. transformers derives the merges of Llama 2's tokenizer.json in this way
// (convert_slow_tokenizer.py, generate_merges). tokens and scores must have the same length.
// skipped: [tokens], or empty = none. A skipped token is no part of a merge and is not made by one:
// it is found in the text as a whole, before words are merged.
std::vector<std::string> merges_from_scores(const std::vector<std::string_view> &tokens,
                                            const std::vector<double> &scores,
                                            const std::vector<bool> &skipped = {});

}  // namespace assay::model
