// Edits config.json if a recipe changed more than weights: the model got a head of its own, or
// biases. The exporter adds quantization_config.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Returns the text of config.json for this model: `text` unchanged, or with new values of
// tie_word_embeddings, attention_bias or mlp_bias.
std::string config_for(const quantized_model &model, const std::string &text);

// In the family llama one config key says that all linears of attention have biases, and another key
// says it of all linears of the MLP. If one linear has a bias, the other linears of the same part get a
// bias of zeros, in the decoder and in `edited`. Call this once, after the last transform.
void complete_biases(quantized_model &model);

// Returns the names of linears with a new bias that config_for does not declare, because the family
// is not llama. Exporters refuse such a model.
json biases_without_key(const quantized_model &model, const model::checkpoint &subject);

// Adds an incident to the ledger if config.json says that head and embedding are one matrix, but
// the weights hold two. config_for then changes config.json.
void note_own_head(const model::decoder_config &config, ledger &incidents);

}  // namespace assay::quant
