// Schemes in files: which tensors hold the scales of inputs, keys and values, and how a folder that is read back gets its
// schemes again. Not the rounding (activation.hpp, kv_scheme.hpp).
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"

namespace assay::quant {

// Static input scales travel with the linear's form: roles "input_scale" [1] f32 and "input_zero" [1] u8.
void store_input_grid(quantized_linear &form, const activation_grid &grid);
// Fills in the schemes of a recipe; returns the activation scheme, null where there is none. Throws error(usage) for one that
// cannot be carried out: static scales without calibration, inputs without quantized weights.
json complete_schemes(recipe &what, bool calibrated);
// Sets the rounding of a linear's input; static scales are in the form already, or taken from `inputs` and put there.
void round_inputs(model::linear_op &linear, quantized_linear &form, const json &activation,
                  const input_statistics *inputs);
activation_grid stored_input_grid(const quantized_linear &form);  // scale undefined: none there
// Static scales of keys and values are tensors of the attention: "....self_attn.k_scale", f32 [1] or [kv_heads, 1, 1].
void store_kv_scales(quantized_model &model, const std::vector<kv_scales> &scales);

// Sets the schemes that a compressed-tensors folder names in its quantization_config, so that a model read back computes
// as the one that was saved. Returns what was set: { activation, kv }, null where there is none. Throws error(failed) for
// a scheme that this program cannot run.
json restore_schemes(model::decoder &decoder, const model::checkpoint &source);

}  // namespace assay::quant
