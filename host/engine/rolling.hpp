// Scores a long text in disjoint windows, as the rolling request of lm-evaluation-harness does.
// Every token is scored once. A window begins with the token before its first scored token; a last
// window with few tokens to score also gets earlier tokens, until it is full. The caller, who has the
// text, divides the sum by its number of words or bytes.
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

// prefix: the id that stands before the first token (beginning or end of text). max_length:
// tokens of a window; the result depends on it, so report it with the result. Throws error(usage)
// if there are no ids, for an id outside the vocabulary, and for a max_length below 2 or beyond
// the model's positions.
rolling_result rolling_score(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             int64_t prefix, int64_t max_length, const progress_fn &progress = {});

}  // namespace assay::engine
