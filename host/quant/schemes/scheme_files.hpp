// Stores the schemes that round inputs, keys and values: their scales become tensors of the saved
// model, and are read back from a folder.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"

namespace assay::quant {

// Adds a static grid of inputs to the linear's form, as tensors with the roles "input_scale" [1]
// f32 and, for an asymmetric grid, "input_zero" [1] u8.
void store_input_grid(quantized_linear &form, const activation_grid &grid);
// Fills in the defaults of the recipe's schemes. Returns the activation scheme, which rounds
// inputs, or null. calibrated: there is calibration data. Throws error(usage) for a scheme
// that cannot be applied, such as static input scales without calibration, or rounded inputs
// without quantized weights.
json complete_schemes(recipe &recipe, bool calibrated);
// Makes the linear round its input. A static grid comes from the form if an earlier run has stored
// it there; else it is made from `inputs` and stored in the form.
void round_inputs(model::linear_op &linear, quantized_linear &form, const json &activation,
                  const input_statistics *inputs);
activation_grid stored_input_grid(const quantized_linear &form);  // scale undefined = none stored
// Reads the static grid of a linear's input from a compressed-tensors folder. Throws error(failed) if the folder lacks it.
activation_grid input_grid_of(const model::checkpoint &source, const std::string &name);
// Adds static scales of keys and values to model.edited, as tensors of the attention:
// "....self_attn.k_scale", f32 [1] or [kv_heads, 1, 1].
void store_kv_scales(quantized_model &model, const std::vector<kv_scales> &scales);

// Makes the decoder round inputs, keys and values as the quantization_config of a compressed-tensors
// folder says. So a model that was saved and is read back computes the same as before. Returns what was
// set: { activation, kv }, each null if there is none. Throws error(failed) for a scheme that this
// program cannot run.
json restore_schemes(model::decoder &decoder, const model::checkpoint &source);

}  // namespace assay::quant
