// Counts the size of a quantized model over all parameters, in bits and bytes, for each linear and
// in total. The sizes come from the emitted tensors, never from a plugin's own figures. This file
// also measures the time and memory of a run.
#pragma once

#include <chrono>

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Measures the seconds and the peak memory of a run. The run begins when this object is made.
class run_cost {
 public:
  run_cost();
  // Adds seconds, cpu_seconds, plugin_seconds (as given) and peak_memory_bytes to the summary.
  void put_into(json &summary, double plugin_seconds) const;

 private:
  std::chrono::steady_clock::time_point start_;
  double cpu_start_;
  bool fresh_peak_;  // true if the peak of memory is this run's alone; else no peak is reported
};

// A tensor that has no quantized form. It is stored as it is, beside the forms.
struct untouched_tensor {
  std::string name;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t bytes() const;
};

// Returns the tensors of the subject that no form replaces, and the tensors that the run added
// (biases, scales of keys and values), sorted by name. An edited tensor has the dtype of its edited
// value. A tied head is not listed, because it is stored once, under the embedding's name.
std::vector<untouched_tensor> untouched_tensors(const quantized_model &model,
                                                const model::checkpoint &subject);

// Returns { bits_per_weight, bits_per_quantized_weight, bytes, parameters, quantized_parameters,
// linears = [..], edited = [names] }; for a model with experts also active_parameters, active_bytes and bits_per_active_weight, which
// count what one token goes through.
json summarize(const quantized_model &model, const model::checkpoint &subject);

}  // namespace assay::quant
