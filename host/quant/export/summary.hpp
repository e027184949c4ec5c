// Counts the size of a quantized model over all parameters: bits and bytes, for each linear and in
// total. Sizes are measured from emitted tensors; a plugin's own figures are not used.
#pragma once

#include <chrono>

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Measures what a run takes, from the construction of this object on.
class run_cost {
 public:
  run_cost();
  void put_into(json &summary, double plugin_seconds) const;

 private:
  std::chrono::steady_clock::time_point start_;
  double cpu_start_;
  bool fresh_peak_;  // the system can give the peak of this run alone
};

// A tensor of the model as it would be stored beside the forms.
struct untouched_tensor {
  std::string name;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t bytes() const;
};

// Tensors of the subject that no form replaces, sorted by name. A tied head is stored once, under
// the embedding's name.
std::vector<untouched_tensor> untouched_tensors(const quantized_model &model,
                                                const model::checkpoint &subject);

// Returns { bits_per_weight, bits_per_quantized_weight, bytes, parameters, quantized_parameters,
// linears = [..], edited = [names] }.
json summarize(const quantized_model &model, const model::checkpoint &subject);

}  // namespace assay::quant
