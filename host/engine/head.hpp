// Computes what the head says about single tokens, one tile of logits at a time, so that the logits
// of all positions are never in memory. The choice of a next token is sampler.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct head_target {
  int64_t row;  // of the hidden states, ascending in a list
  int64_t id;   // token
};
struct head_reading {
  float logprob;  // fp32 log-softmax over the whole vocabulary
  bool greedy;    // the token is the arg-max
};

// hidden [n, hidden], final-normed. A row without a target is not multiplied by the head; a row
// with several targets is multiplied once.
std::vector<head_reading> read_targets(const model::decoder &decoder, const at::Tensor &hidden,
                                       const std::vector<head_target> &targets);

// The number of rows in a tile of logits.
int64_t head_tile_rows(const model::decoder &decoder);

}  // namespace assay::engine
