// Shows q, k and v as three matrices, and gate and up as two, where a family stores them as one (FORMATS.md, "Decoder
// families"). Everything else in the program then sees one layout. The export joins them again (quant/export/joined_parts.hpp).
#pragma once

#include <memory>
#include <string>

#include "checkpoint/tensor_source.hpp"
#include "core/json.hpp"

namespace assay::model {

// Returns a source with tensors "X.q_proj.weight", "X.k_proj.weight" and "X.v_proj.weight" in place of "X.qkv_proj.weight", and
// "X.gate_proj.weight", "X.up_proj.weight" in place of "X.gate_up_proj.weight". They are views of the stored tensor where it is one of
// a mapped file. A quantized source stays one. config: config.json, which has the numbers of heads. Returns `stored`
// itself if the model_type does not join them. Throws error(failed) at `where` if a tensor has another number of rows.
std::shared_ptr<const tensor_source> with_split_parts(std::shared_ptr<const tensor_source> stored,
                                                      const json &config, const std::string &where);

}  // namespace assay::model
