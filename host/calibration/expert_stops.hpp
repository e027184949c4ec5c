// Takes the statistics of the experts of one block. Each expert has two inputs, that of gate and up and that of down, and sees only the
// tokens that the router gives to it; the policy says what is done for an expert that sees too few (expert_policy.hpp).
#pragma once

#include "calibration/stop_sums.hpp"

namespace assay::quant {

class expert_stops {
 public:
  // block: in the model of the pass; block_float: in the second stream's, or null. Both are borrowed.
  expert_stops(model::decoder_block &block, const model::decoder_block *block_float,
               const calibrate_options &options, at::Device device);

  // The counted tokens of each expert are added up. The stream must have been routed.
  void count(const calibration_stream &stream);
  const std::vector<int64_t> &counts() const { return counts_; }

  // The sums of an input of an expert. Call it after count() has seen all streams.
  stop_sums sums_of(model::linear_input input) const;
  // Adds the tokens of a routed stream whose `input` is that of the experts.
  void add(const calibration_stream &stream, model::linear_input input, stop_sums &sums) const;
  // Makes the stop, by the policy, and tells options.starved of an expert that saw too few tokens.
  calibration_stop finish(model::linear_input input, stop_sums &sums) const;

 private:
  bool starved(model::linear_input input) const;
  bool borrows(model::linear_input input) const;  // its statistics are those of all tokens
  at::Tensor places(const calibration_stream &stream, int64_t expert, bool all) const;
  at::Tensor rows(const at::Tensor &x, const at::Tensor &places, model::linear_input input,
                  const model::decoder_block &block) const;

  model::decoder_block &block_;
  const model::decoder_block *block_float_;
  const calibrate_options &options_;
  at::Device device_;
  std::vector<int64_t> counts_;  // by expert
};

// The linears of a block that read this input.
std::vector<model::linear_op *> readers(model::decoder_block &block, model::linear_input input);

}  // namespace assay::quant
