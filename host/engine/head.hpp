// Computes the log-probabilities of given tokens with the model's head. Logits are made for some
// rows (a tile) at a time, because the logits of all positions would not fit into memory.
// sampler.hpp chooses next tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

struct head_target {
  int64_t row;  // of the hidden states; a list of targets must be sorted by row
  int64_t id;   // the token whose log-probability is wanted
};
struct head_reading {
  float logprob;  // fp32 log-softmax over the whole vocabulary
  bool greedy;    // the token is the likeliest one
};

// hidden: [n, hidden], after the final norm. Returns one reading for each target, in order. A row
// without a target is not multiplied by the head; a row with several targets is multiplied once.
std::vector<head_reading> read_targets(const model::decoder &decoder, const at::Tensor &hidden,
                                       const std::vector<head_target> &targets);

// Returns the number of rows in a tile of logits.
int64_t head_tile_rows(const model::decoder &decoder);

}  // namespace assay::engine
