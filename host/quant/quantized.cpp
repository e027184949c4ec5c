// Finds the parts of quantized linears and models. Their values are in memory or on disk.
#include "quant/quantized.hpp"

namespace assay::quant {

const at::Tensor *quantized_linear::find(const std::string &wanted) const {
  for (const auto &part : tensors)
    if (part.role == wanted) return &part.tensor;
  return nullptr;
}

const quantized_linear &quantized_model::form(const std::string &name) const {
  return values->values_of(forms.at(name));
}

at::Tensor quantized_model::edited_tensor(const std::string &name) const {
  return values->values_of(name, edited.at(name));
}

}  // namespace assay::quant
