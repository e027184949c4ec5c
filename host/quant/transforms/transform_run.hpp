// Applies the transforms of a recipe to a float model before any quantizer runs, and measures that
// the function of the model is unchanged. The result is a float model again. correction_run.hpp
// applies transforms that run after the quantizer.
#pragma once

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "plug/transform.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

class block_residency;  // streaming/block_residency.hpp

// Limits within which a quantizer fits the grid of a linear.
struct clip_limits {
  at::Tensor min, max;     // [out, groups] f32
  int64_t group_size = 0;  // columns of the weight that share limits; 0 = the whole row
  at::Tensor applied(const at::Tensor &weight) const;  // a copy of weight within the limits
};

struct transform_outcome {
  std::map<std::string, at::Tensor> edited;  // tensors that changed, by checkpoint name
  std::map<std::string, clip_limits> clips;  // by linear
  json online = json::array();               // { layer, op, .. }: plugin_api/assay/exporter.h
  // Returns the weight as its quantizer sees it: within the limits of `clips`, if it has some.
  at::Tensor clipped(const std::string &linear, const at::Tensor &weight) const;
  // For each edited block: { transform, block, difference, note = facts that the plugin reported }. For
  // a transform of the whole model these entries have no difference; one entry with block = "all" has
  // it, and one with block = -1 stands for the weights outside the blocks.
  json report = json::array();
};

// Edits `decoder` in place. Measures how much the outputs of each block changed (for a transform of
// the whole model: how much the logits changed): ||after - before|| / ||before||, Frobenius norm. If
// they changed by more than the tolerance, throws error(plugin) with the transform and the block.
// data: null = no calibration. residency: stores the edited blocks.
transform_outcome run_transforms(model::decoder &decoder, const recipe &recipe,
                                 const calibration *data, ledger &incidents,
                                 const progress_fn &progress, block_residency &residency);

// Makes an instance of a recipe's transform and asks it whether it can transform this model. arch:
// facts of the model. If the transform cannot, throws an error with the transform's reason.
plug::transform_instance make_transform(const component_choice &choice, const json &arch,
                                        uint64_t seed, ledger &incidents);
// {"id": .., "config": ..} of the recipe's quantizer, with defaults filled in; "" if it has none.
std::string quantizer_json(const recipe &recipe);

}  // namespace assay::quant
