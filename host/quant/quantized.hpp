// Holds a quantized linear and a quantized model: what the quantizer emitted, and
// what the host measured.
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
  at::Tensor tensor;         // contiguous, on the device of the weight that was quantized
  uint32_t packed_bits = 0;  // width of an element in a file: 4 for 4-bit codes, here a byte each
};

// The form of one linear. On an integer grid its weight is (codes - zeros) * scales in each group;
// in general only the plugin's own dequantize can compute the weight.
struct quantized_linear {
  std::string name;                  // "model.layers.0.self_attn.q_proj"
  std::string role;                  // "attn.q"
  std::vector<form_tensor> tensors;  // in the order of emission
  // What the plugin says about the form: "format", "bits", "group_size", "symmetric". Other numbers
  // in it are the plugin's claims, which the host has not measured.
  json note;
  std::string component;  // the quantizer that made it, with revision: "rtn@1"
  json config;            // the quantizer's configuration with defaults
  int64_t in_features = 0, out_features = 0;
  double packed_bits = 0;  // counted by the host over everything emitted
  // Errors against the float weight as it is after the transforms; linear_run.hpp has the formulas.
  double relative_error = 0;  // of the weight
  double output_error = -1;   // of the linear's output; -1 = unknown, there was no Hessian

  const at::Tensor *find(const std::string &role) const;  // borrowed; null if absent
  double bits_per_weight() const {
    return packed_bits / static_cast<double>(in_features * out_features);
  }
};

// Gives the values of forms and edited tensors, which are in memory or on disk.
class value_source {
 public:
  virtual ~value_source() = default;
  // Returns the values of an edited tensor. name: in the checkpoint; held: what stayed in memory.
  virtual at::Tensor values_of(const std::string &name, const at::Tensor &held) const = 0;
  // Returns the linear with its values. held: what stayed in memory. Borrowed: valid until the next call.
  virtual const quantized_linear &values_of(const quantized_linear &held) const = 0;
};
std::shared_ptr<const value_source> values_in_memory();

struct quantized_model {
  // Has the dequantized weights. Unchanged tensors are shared with the float model.
  model::decoder decoder;
  std::map<std::string, quantized_linear> forms;  // by linear name
  std::vector<std::string> order;                 // names of the forms, in the order of the model
  // Other tensors that the recipe changed or added, such as norms, biases and scales of keys, by
  // checkpoint name, in the dtype in which they are stored.
  std::map<std::string, at::Tensor> edited;
  std::shared_ptr<const value_source> values =
      values_in_memory();       // for form() and edited_tensor()
  json online = json::array();  // { layer, op, .. }: operations that stay in the forward pass
  recipe made_by;               // with the defaults of its schemes filled in
  ledger incidents;             // fallbacks, skips and repairs of the run
  // { bits_per_weight, bits_per_quantized_weight, bytes, parameters, seconds, peak_memory_bytes,
  // linears = [{ name, role, bits, bytes, relative_error, output_error, claims }], kept = [names],
  // .. }. Bytes are counted over all parameters. Only keys that end in "seconds" hold times.
  json summary;
  json metadata;  // for quantization_metadata.json: recipe, options, calibration, seeds, versions

  // The form of this linear with its values, read from disk where needed. Borrowed: valid until the
  // next call. Throws std::out_of_range for an unknown name.
  const quantized_linear &form(const std::string &name) const;
  at::Tensor edited_tensor(const std::string &name) const;  // the same for an edited tensor
};

}  // namespace assay::quant
