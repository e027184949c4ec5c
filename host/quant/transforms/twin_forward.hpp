// The same sequences through a model before and after a transform of the whole of it, block by block, so that the two
// functions can be compared while no more than one block of each is in memory.
#pragma once

#include "model/decoder.hpp"

namespace assay::quant {

class twin_forward {
 public:
  explicit twin_forward(const model::decoder &before);  // as it is now: it is copied
  void start(const model::decoder &after);              // its embedding is edited
  void across(const model::decoder_block &before, const model::decoder_block &after);
  // Of the logits, relative to those before (Frobenius), once all blocks were crossed.
  double difference(const model::decoder &after) const;

 private:
  model::decoder before_;
  at::Tensor ids_, h_before_, h_after_;
  model::forward_context context_;
};

// ||found - expected|| / ||expected||
double relative_distance(const at::Tensor &expected, const at::Tensor &found);

}  // namespace assay::quant
