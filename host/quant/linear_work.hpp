// Quantizes one linear of a run and puts the result into the model. The schedules (such as
// calibrated_schedule.hpp) decide the order of linears; linear_run.hpp calls the plugin.
#pragma once

#include "quant/linear_run.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

class linear_work {
 public:
  explicit linear_work(run_state &run) : run_(run) {}  // borrowed

  // Calls the quantizer and accepts its result. stats: for the plugin; null = none. hessian: for the
  // output error; may be undefined. inputs: statistics of the linear's input, from which a static
  // activation scheme (rounding of inputs) takes its ranges; null = none.
  void quantize(linear_job &job, const assay_stats *stats, const at::Tensor &hessian,
                const input_statistics *inputs = nullptr);
  // Shows the raw inputs in `sums` to the quantizer, chunk by chunk.
  void observe(linear_job &job, const input_statistics &sums);
  // Puts a result into the model: the fake-quantized (dequantized) weight, the quantized form, and
  // the rounding of the input.
  void accept(linear_job &job, linear_result result, const input_statistics *inputs = nullptr);
  // Adds clip limits to what a plugin sees of the linear `name`, if a transform set such limits.
  void show_clip(linear_view &view, const std::string &name) const;

 private:
  void put_weight(linear_job &job, const at::Tensor &dense);

  run_state &run_;
};

}  // namespace assay::quant
