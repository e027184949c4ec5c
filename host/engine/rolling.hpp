// Scores a long text in disjoint windows, as the rolling request of lm-evaluation-harness does:
// every token is scored once; a later window sees one token before its first, and the last window
// is filled up with the tokens before it. Whoever has the text divides by its words or bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct rolling_result {
  double sum = 0;       // log-likelihood of all tokens, nats
  int64_t tokens = 0;   // scored: all of ids
  int64_t windows = 0;  // forward passes
};

// prefix: the token before the first (beginning or end of text). max_length: tokens of a window;
// the result depends on it, so that it belongs in the protocol. Throws error(usage) for no ids or
// for a max_length beyond the model's positions.
rolling_result rolling_score(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             int64_t prefix, int64_t max_length, const progress_fn &progress = {});

}  // namespace assay::engine
