// Derives merges for a vocabulary that was stored with SentencePiece's scores instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::model {

// Returns "left right", best first: every way to join a token from two others, ordered by the
// token's score, as transformers derives the merges of Llama 2's tokenizer.json
// (convert_slow_tokenizer.py, generate_merges). tokens and scores have one length.
std::vector<std::string> merges_from_scores(const std::vector<std::string_view> &tokens,
                                            const std::vector<double> &scores);

}  // namespace assay::model
