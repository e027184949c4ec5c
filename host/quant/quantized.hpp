// Holds a quantized linear and a quantized model: what a quantizer emitted, and what the host
// measured of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aten.hpp"
#include "core/json.hpp"
#include "core/ledger.hpp"
#include "model/decoder.hpp"
#include "quant/recipe.hpp"

namespace assay::quant {

// One tensor that a quantizer emitted.
struct form_tensor {
  std::string role;          // "codes" [out, in] i8 or u8, "scales" [out, groups], "zeros", ...
  at::Tensor tensor;         // contiguous, on the CPU
  uint32_t packed_bits = 0;  // of one element in a file: 4 for 4-bit codes in bytes
};

// W is about (codes - zeros) * scales in each group; only the plugin's own dequantize says what
// it is exactly.
struct quantized_linear {
  std::string name;                  // "model.layers.0.self_attn.q_proj"
  std::string role;                  // "attn.q"
  std::vector<form_tensor> tensors;  // in the order of emission
  json note;  // "format", "bits", "group_size", "symmetric"; other numbers are the plugin's claims
  std::string component;  // the quantizer that made it: "rtn@1"
  json config;            // its full configuration; dequantize needs nothing else
  int64_t in_features = 0, out_features = 0;
  double packed_bits = 0;     // counted by the host over everything emitted
  double relative_error = 0;  // ||W - Q|| / ||W||, Frobenius, W after the transforms
  double output_error = -1;   // tr(D H D^T) / tr(W H W^T), D = W - Q; -1 without a Hessian

  const at::Tensor *find(const std::string &role) const;  // borrow; null if absent
  double bits_per_weight() const {
    return packed_bits / static_cast<double>(in_features * out_features);
  }
};

class block_residency;
std::shared_ptr<block_residency> whole_model();

struct quantized_model {
  model::decoder decoder;  // the same model with fake-quant weights; unchanged tensors are shared
  std::map<std::string, quantized_linear> forms;  // by linear name
  std::vector<std::string> order;                 // names of forms as they come in the model
  // Tensors that the recipe changed beside the forms, by checkpoint name, as they are to be stored.
  std::map<std::string, at::Tensor> edited;
  // Where the values of forms and edited tensors are: some have none in memory. form() and
  // edited_tensor() ask it.
  std::shared_ptr<const block_residency> residency = whole_model();
  json online = json::array();  // { layer, op, .. }: operations left in the forward pass
  recipe made_by;               // schemes complete
  ledger incidents;
  // { bits_per_weight, bits_per_quantized_weight, bytes, parameters, seconds, peak_memory_bytes,
  // linears = [{ name, role, bits, bytes, relative_error, output_error, claims }], kept = [names]
  // }; bytes are counted over all parameters. Times are only under keys that end in "seconds".
  json summary;
  json metadata;  // for quantization_metadata.json: recipe, options, calibration, seeds, versions

  // With its values, wherever they are; borrow, valid until the next
  // call. Throws std::out_of_range.
  const quantized_linear &form(const std::string &name) const;
  at::Tensor edited_tensor(const std::string &name) const;  // the same of an edited tensor
};

}  // namespace assay::quant
