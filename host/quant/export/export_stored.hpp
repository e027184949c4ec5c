// Writes a model that is stored in one format in another one: a quantized folder or a GGUF file becomes a folder of any exporter.
// Codes are moved, never rounded; a format that cannot hold them is refused, and the message names the linear.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"
#include "quant/export/save.hpp"

namespace assay::quant {

struct export_options {
  save_options
      save;  // save.format must name an exporter; "auto" tries those that are tried for a quantized model
  // Quantized weights that are written as floats (float32, dequantized): names, roles or expressions as in recipe::keep.
  std::vector<std::string> keep;
};

// Returns what save() returns. Nothing is written if the format cannot hold the model: error(usage).
json export_stored(const std::shared_ptr<const model::checkpoint> &source,
                   const std::string &folder, const export_options &options);
// Says what export_stored() would write, as planned_export() does. Reads headers, scales and zero points only.
json planned_export(const std::shared_ptr<const model::checkpoint> &source,
                    const export_options &options);

}  // namespace assay::quant
