// Accumulates the statistics of one stop of a calibration pass: one set over the counted tokens of the calibration, another over
// extra sequences of a single token (first_token), which show the inputs at position 0.
#pragma once

#include "calibration/calibrate.hpp"

namespace assay::quant {

struct stop_sums {
  // linear: one of those that read the input. needs: what is accumulated; nothing if none is set.
  stop_sums(const model::linear_op &linear, const statistics_needs &needs, bool first_token,
            at::Device device);
  // x, x_float [n, width]: counted rows of the input of a stream, in both models; x_float may be undefined.
  void add(const at::Tensor &x, const at::Tensor &x_float, bool is_first_token);
  // Call it once. Throws error(failed) if a value was not finite.
  calibration_stop finish(int64_t block, model::linear_input input,
                          std::vector<model::linear_op *> linears);
  bool any() const { return needs_any || first_wanted; }

  std::function<at::Tensor(const at::Tensor &)> input_operation;  // empty = none
  bool needs_any, first_wanted;
  statistics_accumulator tokens, first_tokens;
};

}  // namespace assay::quant
