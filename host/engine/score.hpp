// Computes the log-likelihood of continuations, by lm-evaluation-harness' rule on token ids. The
// caller encodes the text and thereby decides where the context ends.
#pragma once

#include <cstdint>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct score_result {
  double sum = 0;         // log-likelihood of the continuation, nats
  int64_t tokens = 0;     // of the continuation
  bool greedy = true;     // every token of it is the arg-max
  bool too_long = false;  // context and continuation do not fit the model's positions: not scored
  std::vector<float> token_logprobs;
};

// An empty context throws error(usage): lm-evaluation-harness puts the end-of-text token there,
// which only the caller knows.
struct score_request {
  std::vector<int64_t> context;
  std::vector<std::vector<int64_t>> continuations;
};

struct score_options {
  int64_t batch_tokens = 0;  // tokens of one forward at most; 0 = by device
  progress_fn progress;
};

struct score_usage {
  int64_t needed = 0;     // distinct tokens of the tree of all requests
  int64_t computed = 0;   // tokens that went through the model
  int64_t alone = 0;      // tokens if every continuation were run with its own context
  int64_t head_rows = 0;  // positions that met the head
  int64_t halvings = 0;   // of the batch, memory having run out
  double seconds = 0;
};

// One result for each continuation, in order. A prefix that requests share is computed once,
// wherever they are in the list; only positions that predict a scored token go through the head.
std::vector<std::vector<score_result>> score_many(const model::decoder &decoder,
                                                  const std::vector<score_request> &requests,
                                                  const score_options &options = {},
                                                  score_usage *usage = nullptr);

// Scores continuations of one context.
std::vector<score_result> score(const model::decoder &decoder, const std::vector<int64_t> &context,
                                const std::vector<std::vector<int64_t>> &continuations);

}  // namespace assay::engine
