// Holds the embedding or the head of a streamed decoder in memory as long as an object of this class
// lives. Without such an object the decoder reads them from disk each time they are needed.
#pragma once

#include "model/decoder.hpp"

namespace assay::quant {

class held_outer_weight {
 public:
  // linear: the head, or the embedding as a linear; borrowed. Does nothing if its
  // weight is in memory.
  held_outer_weight(const model::decoder &decoder, model::linear_op &linear)
      : linear_(linear), holds_(linear.weight.is_meta()) {
    if (!holds_) return;
    decoder_ = decoder;
    linear_.weight = decoder_.outer_weight(linear_.name);
  }
  ~held_outer_weight() {
    if (!holds_) return;
    linear_.weight = model::without_values(linear_.weight);
    decoder_.give_back_outer_weight(linear_.name);
  }
  held_outer_weight(const held_outer_weight &) = delete;

 private:
  // A copy: the destructor must give back what was read here, even if the decoder reads the weight from
  // another file by then.
  model::decoder decoder_;
  model::linear_op &linear_;
  bool holds_;
};

}  // namespace assay::quant
