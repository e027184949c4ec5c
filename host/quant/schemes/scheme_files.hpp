// Stores schemes in files and reads them back: which tensors hold the scales of inputs,
// keys and values.
#pragma once

#include "checkpoint/checkpoint.hpp"
#include "quant/quantized.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"

namespace assay::quant {

// Adds static input scales to the linear's form, as roles "input_scale" [1] f32 and
// "input_zero" [1] u8.
void store_input_grid(quantized_linear &form, const activation_grid &grid);
// Fills the defaults of a recipe's schemes; returns the activation scheme, null where there is
// none. Throws error(usage) for a scheme that cannot be applied: static scales without calibration,
// inputs without quantized weights.
json complete_schemes(recipe &recipe, bool calibrated);
// Sets the rounding of a linear's input. Static scales are in the form already, or are taken from
// `inputs` and put there.
void round_inputs(model::linear_op &linear, quantized_linear &form, const json &activation,
                  const input_statistics *inputs);
activation_grid stored_input_grid(const quantized_linear &form);  // scale undefined: it has none
// Stores static scales of keys and values as tensors of the attention: "....self_attn.k_scale", f32
// [1] or [kv_heads, 1, 1].
void store_kv_scales(quantized_model &model, const std::vector<kv_scales> &scales);

// Sets the schemes that the quantization_config of a compressed-tensors folder names, so that a
// model which is read back computes what the saved one did. Returns what was set: { activation, kv
// }, null where there is none. Throws error(failed) for a scheme that this program cannot run.
json restore_schemes(model::decoder &decoder, const model::checkpoint &source);

}  // namespace assay::quant
