// Applies the transforms of a recipe to a float model before any quantizer runs, and measures that
// the function of the model is unchanged. The result is a float model again. Transforms that run
// after the quantizer: correction_run.hpp.
#pragma once

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "plug/transform.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Limits within which the grid of a linear is fitted.
struct clip_limits {
  at::Tensor min, max;  // [out, groups] f32
  int64_t group_size = 0;
  at::Tensor applied(const at::Tensor &weight) const;  // weight, limited
};

struct transform_outcome {
  std::map<std::string, at::Tensor> edited;  // tensors that changed, by checkpoint name, fp32
  std::map<std::string, clip_limits> clips;  // by linear
  json online = json::array();               // { layer, op }, see plugin_api/assay/exporter.h
  // The weight as its quantizer sees it: within the limits that a transform set, if any.
  at::Tensor clipped(const std::string &linear, const at::Tensor &weight) const;
  json report = json::array();  // { transform, block, note, difference }
};

// Edits `decoder` in place. Throws error(plugin) naming transform and block when the function moved
// by more than the tolerance (relative, Frobenius): a block's for transforms that keep each block's
// function, the logits' for others. residency: of `decoder`; edited blocks are stored there.
transform_outcome run_transforms(model::decoder &decoder, const recipe &recipe,
                                 const calibration *data, ledger &incidents,
                                 const progress_fn &progress, block_residency &residency);

// An instance of a recipe's transform, checked against the model.
plug::transform_instance make_transform(const component_choice &choice, const json &arch,
                                        uint64_t seed, ledger &incidents);
// {"id": .., "config": ..} of the recipe's quantizer, its configuration complete; "" without one.
std::string quantizer_json(const recipe &recipe);

}  // namespace assay::quant
