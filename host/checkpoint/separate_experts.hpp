// Shows the experts of a layer as separate matrices where the file holds all of them in one tensor, as newer versions of transformers
// can save them (FORMATS.md, "Experts"). Everything else in the program then sees one layout.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/tensor_source.hpp"

namespace assay::model {

// Returns a source with a tensor "X.experts.3.gate_proj.weight" for each expert in place of "X.experts.gate_up_proj", and in the same
// way for up_proj and down_proj. The names are those of the released checkpoints of this model_type (a key of config.json). Returns
// `stored` itself if it has no such tensors, or if their shapes are not [experts, 2 * width, hidden] and [experts, hidden, width].
std::shared_ptr<const tensor_source> with_separate_experts(
    std::shared_ptr<const tensor_source> stored, const std::string &model_type);

}  // namespace assay::model
