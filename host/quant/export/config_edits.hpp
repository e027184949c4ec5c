// What a model's config.json must say when a recipe changed more than weights: a head of its own, biases.
// Not the quantization_config, which is an exporter's.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// config.json's text for this model: as it was, or with tie_word_embeddings, attention_bias, mlp_bias set.
std::string config_for(const quantized_model &model, const std::string &text);

// Families that say by one key that a group of linears has biases need them on all of the group: gives the missing ones
// zeros, in the decoder and in `edited`. Call once, after the last transform.
void complete_biases(quantized_model &model);

// Names of linears with a bias that the subject's config has no key for; exporters refuse them.
json biases_without_key(const quantized_model &model, const model::checkpoint &subject);

}  // namespace assay::quant
