// The transforms of a recipe, applied to a float model before any quantizer runs; the host measures that the function is
// unchanged. Not quantization: what comes out is a float model again. Those that run after it: correction_run.hpp.
#pragma once

#include <functional>

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "plug/transform.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Limits within which a linear's grid is to be fitted.
struct clip_limits {
  at::Tensor min, max;  // [out, groups] f32
  int64_t group_size = 0;
  at::Tensor applied(const at::Tensor &weight) const;  // weight, limited
};

struct transform_outcome {
  std::map<std::string, at::Tensor>
      edited;  // norms and float tensors that changed, by checkpoint name, fp32
  std::map<std::string, clip_limits> clips;  // by linear
  json online = json::array();               // { layer, op }, see plugin_api/assay/exporter.h
  // The weight as its quantizer sees it: within the limits, where there are some.
  at::Tensor clipped(const std::string &linear, const at::Tensor &weight) const;
  json report = json::array();  // { transform, block, note, difference }
  std::function<at::Tensor(const std::string &name)> fetch_edited;  // as in quantized_model
};

// Edits `decoder` in place. Throws error(plugin) naming transform and block when the function moved by more than the
// tolerance (relative, Frobenius): a block's for transforms that keep each block's function, the logits' for others.
// folder: where edited blocks of a decoder on demand are kept, whose on_read then gives them.
transform_outcome run_transforms(model::decoder &decoder, const recipe &what,
                                 const calibration *data, ledger &incidents,
                                 const progress_fn &progress, const std::string &folder = "");

// An instance of a recipe's transform, checked against the model.
plug::transform_instance make_transform(const component_choice &choice, const json &arch,
                                        uint64_t seed, ledger &incidents);
// {"id": .., "config": ..} of the recipe's quantizer, its configuration complete; "" without one.
std::string quantizer_json(const recipe &what);

}  // namespace assay::quant
