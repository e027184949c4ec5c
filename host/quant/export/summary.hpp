// What a variant weighs: bits and bytes counted over all parameters, per linear and in total.
// No plugin's claim enters here.
#pragma once

#include <chrono>

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// What a run takes, from this object's beginning on.
class run_cost {
 public:
  run_cost();
  void put_into(json &summary, double plugin_seconds) const;

 private:
  std::chrono::steady_clock::time_point start_;
  double cpu_start_;
  bool fresh_peak_;  // the system could be asked for the peak of the run alone
};

// One tensor of the model as it would be stored next to the forms.
struct untouched_tensor {
  std::string name;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t bytes() const;
};

// Tensors of the subject that no form replaces, sorted by name; a tied head is stored once, under
// the embedding.
std::vector<untouched_tensor> untouched_tensors(const quantized_model &model,
                                                const model::checkpoint &subject);

// { bits_per_weight, bits_per_quantized_weight, bytes, parameters, quantized_parameters, linears =
// [...] }
json summarize(const quantized_model &model, const model::checkpoint &subject);

}  // namespace assay::quant
