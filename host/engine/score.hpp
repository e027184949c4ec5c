// Computes the log-likelihood of continuations after a context, by the rule of
// lm-evaluation-harness. It works on token ids: the caller encodes the text, and thereby decides
// where the context ends.
#pragma once

#include <cstdint>
#include <vector>

#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct score_result {
  double sum = 0;         // log-likelihood of the continuation, nats
  int64_t tokens = 0;     // of the continuation
  bool greedy = true;     // each token of the continuation is the likeliest at its place
  bool too_long = false;  // context and continuation do not fit the model's positions: not scored
  std::vector<float> token_logprobs;  // nats, one for each token of the continuation
};

// The context must not be empty. lm-evaluation-harness uses the end-of-text token in place of an
// empty context; only the caller knows this token.
struct score_request {
  std::vector<int64_t> context;
  std::vector<std::vector<int64_t>> continuations;
};

struct score_options {
  int64_t batch_tokens = 0;  // most tokens of one forward pass; 0 = default_batch_tokens
  progress_fn progress;
};

struct score_usage {
  int64_t needed = 0;     // tokens of the tree (engine/token_tree.hpp): a shared prefix counts once
  int64_t computed = 0;   // tokens that went through the model
  int64_t alone = 0;      // tokens to compute if nothing were shared between continuations
  int64_t head_rows = 0;  // positions that were multiplied by the head
  int64_t halvings = 0;   // how often batch_tokens was halved because memory ran out
  double seconds = 0;
};

// Returns one result for each continuation of each request, in order; an empty continuation has sum
// 0. A prefix that requests share is computed once, wherever the requests are in the list. Only
// positions that predict a scored token go through the head. Throws error(usage) for an empty
// context and for an id outside the vocabulary.
std::vector<std::vector<score_result>> score_many(const model::decoder &decoder,
                                                  const std::vector<score_request> &requests,
                                                  const score_options &options = {},
                                                  score_usage *usage = nullptr);

// Scores continuations of one context, as score_many does for many contexts.
std::vector<score_result> score(const model::decoder &decoder, const std::vector<int64_t> &context,
                                const std::vector<std::vector<int64_t>> &continuations);

}  // namespace assay::engine
