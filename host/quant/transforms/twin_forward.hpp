// Compares a model before and after a transform of the whole model. The same sequences run through
// both, block by block, so that only one block of each must be in memory.
#pragma once

#include "model/decoder.hpp"

namespace assay::quant {

class twin_forward {
 public:
  explicit twin_forward(const model::decoder &before);  // keeps a copy
  void start(const model::decoder &after);  // call it after the embedding of `after` was edited
  // Moves the hidden states of both models through one block. Call it for all blocks in order.
  void across(const model::decoder_block &before, const model::decoder_block &after);
  // Returns the distance of the logits of both models, relative to those of `before` (Frobenius
  // norm). Call it after the last block.
  double difference(const model::decoder &after) const;

 private:
  model::decoder before_;
  at::Tensor ids_, h_before_, h_after_;
  model::forward_context context_;
};

// Returns ||found - expected|| / ||expected||, Frobenius.
double relative_distance(const at::Tensor &expected, const at::Tensor &found);

}  // namespace assay::quant
