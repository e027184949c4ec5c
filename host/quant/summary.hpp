// What a variant weighs: bits and bytes counted over all parameters, per linear and in total.
// No plugin's claim enters here.
#pragma once

#include "model/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

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
