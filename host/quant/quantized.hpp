// The quantized form of a linear and of a whole model: what a quantizer emitted, and what the host
// counted. Not a file format (exporters) and not a kernel (model).
#pragma once

#include <functional>
#include <map>
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

// W is about (codes - zeros) * scales per group; the plugin's dequantize is the only authority on
// that.
struct quantized_linear {
  std::string name;                  // "model.layers.0.self_attn.q_proj"
  std::string role;                  // "attn.q"
  std::vector<form_tensor> tensors;  // in the order of emission
  json
      note;  // "format", "bits", "group_size", "symmetric"; every other number is the plugin's claim
  std::string component;  // quantizer that made it: "rtn@1", and ...
  json config;            // ... its full configuration: dequantize needs nothing else
  int64_t in_features = 0, out_features = 0;
  double packed_bits = 0;     // counted by the host over everything emitted
  double relative_error = 0;  // ||W - Q|| / ||W||, Frobenius, W after the transforms
  double output_error = -1;   // tr(D H D^T) / tr(W H W^T), D = W - Q; -1 without a Hessian

  const at::Tensor *find(const std::string &role) const;  // borrow; null if absent
  double bits_per_weight() const {
    return packed_bits / static_cast<double>(in_features * out_features);
  }
};

struct quantized_model {
  model::decoder decoder;  // the same model with fake-quant weights (shares what was not touched)
  std::map<std::string, quantized_linear> forms;  // by linear name
  std::vector<std::string> order;                 // names of forms as they come in the model
  // Tensors that a transform changed, by checkpoint name, as they are to be stored.
  std::map<std::string, at::Tensor> edited;
  // Where those of blocks lie on disk (here they have no values): one of them. Empty = all are here.
  std::function<at::Tensor(const std::string &name)> fetch_edited;
  json online = json::array();  // { layer, op, .. }: operations left in the forward pass
  // Where forms of blocks lie on disk (their tensors here have no values): a form whole, valid until
  // the next call. Empty = all are here. See whole_form.
  std::function<const quantized_linear &(const std::string &name)> fetch;
  recipe made_by;  // schemes complete
  ledger incidents;
  // { bits_per_weight, bits_per_quantized_weight, bytes, parameters, seconds, peak_memory_bytes,
  // linears = [{ name,
  //   role, bits, bytes, relative_error, output_error, claims }], kept = [names] }; bytes are
  // counted over all
  //   parameters. Times only under keys that end in "seconds".
  json summary;
  json metadata;  // for quantization_metadata.json: recipe, knobs, calibration, seeds, versions
};

// A form with its values, wherever they lie; valid until the next call. Throws std::out_of_range.
const quantized_linear &whole_form(const quantized_model &model, const std::string &name);

}  // namespace assay::quant
