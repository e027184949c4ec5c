// Log-likelihood of continuations, lm-eval's rule on token ids. Not text: who encodes decides where
// context ends.
#pragma once

#include <cstdint>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct score_result {
  double sum = 0;      // log-likelihood of the continuation, nats
  int64_t tokens = 0;  // of the continuation
  bool greedy = true;  // every token of it is the arg-max
  std::vector<float> token_logprobs;
};

// Each continuation after the context, the context computed once. An empty context throws
// error(usage): lm-eval puts the end-of-text token there, which only the caller knows.
std::vector<score_result> score(const model::decoder &decoder, const std::vector<int64_t> &context,
                                const std::vector<std::vector<int64_t>> &continuations);

}  // namespace assay::engine
