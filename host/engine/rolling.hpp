// Log-likelihood of a long text in disjoint windows, lm-evaluation-harness' rolling request: every
// token is scored once; a later window sees one token before its first, the last one is filled up
// with the tokens before it. Not a perplexity: words or bytes are divided by who has the text.
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

// prefix: the token before the first (beginning or end of text). max_length: of a window, which the
// result depends on; it belongs in the protocol. Throws error(usage) for no ids or a max_length
// that the model cannot see.
rolling_result rolling_score(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             int64_t prefix, int64_t max_length, const progress_fn &progress = {});

}  // namespace assay::engine
