// Lists the tensors that a configuration needs, for loading, importing and describing a model. Only
// names are compared, not shapes or values. Tensors that are not in the list are ignored.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

struct required_tensor {
  std::string name;            // "model.layers.0.self_attn.q_proj.weight"
  std::vector<int64_t> shape;  // [out, in] of a weight, [size] of a norm or a bias
};

// Returns the embedding, then the norms and linears of each layer, the final norm, and the head unless config.tied.
std::vector<required_tensor> required_tensors(const decoder_config &config);

// Returns the names of the required tensors that `source` does not have.
std::vector<std::string> missing_tensors(const decoder_config &config, const tensor_source &source);

// Throws error(failed) if a required tensor is missing. The message names the first one. If more
// than one is missing, it also says how many.
void require_tensors(const decoder_config &config, const checkpoint &source);

// Reads config.json as parse_decoder_config does (and throws the same errors), with two corrections.
// First, config.json may tie the head to the embedding although the weights hold another head. The
// stored head is then used, as in transformers 5.23 (modeling_utils.py, tie_weights), and
// untied_by_weights is true. Second, if there is a generation_config.json, checkpoint::eos_ids gives
// the ids that end an answer.
decoder_config read_decoder_config(const checkpoint &source);

}  // namespace assay::model
