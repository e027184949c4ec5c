// The quantized form of a linear and of a whole model: what a quantizer emitted, and what the host
// counted. Not a file format (exporters) and not a kernel (model).
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "model/decoder.hpp"
#include "quant/ledger.hpp"
#include "quant/recipe.hpp"

namespace assay::quant {

// W is about (codes - zeros) * scales per group; the plugin's dequantize is the only authority on
// that.
struct quantized_linear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  std::string role;  // "attn.q"
  std::map<std::string, at::Tensor>
      tensors;            // by role as emitted: "codes" [out, in] u8, "scales" [out, groups], ...
  json form;              // the emitted description: bits, group_size, symmetric, ...
  json note;              // free numbers of the plugin (loss, damping): shown as claimed
  std::string component;  // quantizer that made it, and ...
  json config;            // ... its full configuration: dequantize needs nothing else
  int64_t in_features = 0, out_features = 0;
  int64_t bytes = 0;  // counted by the host: codes at their width, everything else as emitted
  double relative_error =
      0.0;  // ||W - Q|| / ||W||, Frobenius, W as it was before the transforms' edits were quantized

  double bits_per_weight() const {
    return 8.0 * static_cast<double>(bytes) / static_cast<double>(in_features * out_features);
  }
};

struct quantized_model {
  model::decoder decoder;  // the same model with fake-quant weights (shares what was not touched)
  std::map<std::string, quantized_linear> forms;  // by linear name
  std::vector<std::string> order;                 // names of forms as they come in the model
  recipe made_by;
  ledger incidents;
  // { bits_per_weight, bytes, parameters, seconds, peak_memory_bytes, linears = [{ name, role,
  // relative_error, bits,
  //   bytes }], kept = [names], versions } ; times only under keys that end in "seconds"
  json summary;
  json metadata;  // for quantization_metadata.json: recipe, knobs, calibration, seeds, versions
};

}  // namespace assay::quant
