// Quantizes one linear of a run and puts the result into the model.
// Not the order of linears (the schedules), and not the call and its checks (linear_run.hpp).
#pragma once

#include "quant/linear_run.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

class linear_work {
 public:
  explicit linear_work(run_state &run) : run_(run) {}  // borrow

  // stats: null = none. hessian: what output errors are measured with; may be undefined. inputs:
  // statistics of the linear's input, from which a static activation scheme takes its ranges;
  // null = none.
  void quantize(linear_job &job, const assay_stats *stats, const at::Tensor &hessian,
                const input_statistics *inputs = nullptr);
  // Shows the quantizer the inputs themselves, chunk by chunk.
  void observe(linear_job &job, const input_statistics &sums);
  // Puts a result into the model: fake-quantized weight, quantized form, rounding of the input.
  void accept(linear_job &job, linear_result result, const input_statistics *inputs = nullptr);
  // Shows a plugin the limits that a transform set for this linear, where it set some.
  void show_clip(linear_view &view, const std::string &name) const;

 private:
  void put_weight(linear_job &job, const at::Tensor &dense);

  run_state &run_;
};

}  // namespace assay::quant
