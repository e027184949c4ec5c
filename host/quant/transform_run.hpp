// The transforms of a recipe, applied block by block to a float model before any quantizer runs; the host measures that
// the function is unchanged. Not quantization: what comes out is a float model again.
#pragma once

#include "core/progress.hpp"
#include "quant/calibration.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Limits within which a linear's grid is to be fitted.
struct clip_limits {
  at::Tensor min, max;  // [out, groups] f32
  int64_t group_size = 0;
};

struct transform_outcome {
  std::map<std::string, at::Tensor>
      edited;  // norms and float tensors that changed, by checkpoint name, fp32
  std::map<std::string, clip_limits> clips;  // by linear
  json report = json::array();               // { transform, block, note, difference }
};

// Edits `decoder` in place. Throws error(plugin) naming transform and block when the function moved by more than
// k_tolerance (relative, Frobenius) on the calibration's first chunk.
transform_outcome run_transforms(model::decoder &decoder, const recipe &what,
                                 const calibration *data, ledger &incidents,
                                 const progress_fn &progress);

}  // namespace assay::quant
