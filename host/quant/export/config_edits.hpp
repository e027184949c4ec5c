// Edits config.json where a recipe changed more than weights: a head of its own, biases. The
// quantization_config is the exporter's.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// The text of config.json for this model: unchanged, or with tie_word_embeddings, attention_bias
// or mlp_bias set.
std::string config_for(const quantized_model &model, const std::string &text);

// Gives zeros as biases to linears of families whose one config key announces biases for a whole
// group of linears, where some linear of the group has one. They are put into the decoder and into
// `edited`. Call it once, after the last transform.
void complete_biases(quantized_model &model);

// Names of linears with a bias for which the subject's config has no key; exporters refuse them.
json biases_without_key(const quantized_model &model, const model::checkpoint &subject);

// Notes in the ledger that config.json ties a head which the weights hold apart; config_for then unties it.
void note_own_head(const model::decoder_config &config, ledger &incidents);

}  // namespace assay::quant
