// Reads log-probabilities from rows of logits: that of a given token, and those of the likeliest tokens.
// head.hpp reads single targets only and is faster.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "aten.hpp"
#include "engine/head.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct token_reading {
  int64_t id = 0;
  float logprob = 0;  // fp32 log-softmax over the whole vocabulary
  // The likeliest tokens and their log-probabilities, the likeliest first; equal ones by id
  std::vector<std::pair<int64_t, float>> top;
};

// Reads token `id` from a row of logits, fp32 [vocab] on the CPU. n_top: how many of the likeliest ids are
// listed; only ids below n_listed count (0 = all). log_sum: the row's log-sum-exp.
token_reading read_token(const float *logits, int64_t vocab, int64_t id, float log_sum,
                         int64_t n_top, int64_t n_listed);

// hidden: [n, hidden], after the final norm. targets: sorted by row, one for each row. Returns one
// reading for each target. Logits are made for a tile of rows at a time (head_tile_rows).
std::vector<token_reading> read_tokens(const model::decoder &decoder, const at::Tensor &hidden,
                                       const std::vector<head_target> &targets, int64_t n_top,
                                       int64_t n_listed);

}  // namespace assay::engine
