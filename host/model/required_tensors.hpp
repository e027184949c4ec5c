// The tensors that a configuration needs: one list for loading, importing and describing a model.
// Not their values, and no opinion about tensors beyond the list.
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

// In the order of the forward pass; the head is among them unless the configuration ties it.
std::vector<required_tensor> required_tensors(const decoder_config &config);

// Names of those that `source` lacks.
std::vector<std::string> missing_tensors(const decoder_config &config, const tensor_source &source);

// Throws error(failed) naming the first of them, and how many there are, if any is missing.
void require_tensors(const decoder_config &config, const checkpoint &source);

// config.json as parse_decoder_config reads it, corrected by the weights: where it ties the head and they hold another one,
// that one is the head, as transformers 5.23 has it (modeling_utils.py, tie_weights); untied_by_weights then says so. The ids
// that end an answer are those of checkpoint::eos_ids if there is a generation_config.json.
// Throws as parse_decoder_config does.
decoder_config read_decoder_config(const checkpoint &source);

}  // namespace assay::model
