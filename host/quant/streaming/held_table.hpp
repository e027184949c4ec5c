// The embedding or the head of a decoder on demand in memory, as long as it is worked on.
// Not a block's linear: those come and go with their block.
#pragma once

#include "model/decoder.hpp"

namespace assay::quant {

class held_table {
 public:
  // linear: a share of the decoder's, borrow. Does nothing for one that has its values.
  held_table(const model::decoder &decoder, model::linear_op &linear)
      : linear_(linear), holds_(linear.weight.is_meta()) {
    if (!holds_) return;
    decoder_ = decoder;
    linear_.weight = decoder_.table(linear_.name);
  }
  ~held_table() {
    if (!holds_) return;
    linear_.weight = model::without_values(linear_.weight);
    decoder_.give_back_table(linear_.name);
  }
  held_table(const held_table &) = delete;

 private:
  model::decoder decoder_;  // as it was: the table may lie elsewhere by now
  model::linear_op &linear_;
  bool holds_;
};

}  // namespace assay::quant
