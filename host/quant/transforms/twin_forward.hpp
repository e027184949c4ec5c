// Runs the same sequences through a model before and after a transform of the whole model, block by
// block, so that the two functions can be compared while one block of each is in memory.
#pragma once

#include "model/decoder.hpp"

namespace assay::quant {

class twin_forward {
 public:
  explicit twin_forward(const model::decoder &before);  // copied as it is now
  void start(const model::decoder &after);              // with its edited embedding
  void across(const model::decoder_block &before, const model::decoder_block &after);
  // The distance of the logits, relative to those before (Frobenius). Call it when all
  // blocks were crossed.
  double difference(const model::decoder &after) const;

 private:
  model::decoder before_;
  at::Tensor ids_, h_before_, h_after_;
  model::forward_context context_;
};

// ||found - expected|| / ||expected||
double relative_distance(const at::Tensor &expected, const at::Tensor &found);

}  // namespace assay::quant
