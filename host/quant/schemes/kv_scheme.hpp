// Rounds keys and values as a cache would store them: keys after RoPE, values as projected. This is
// fake quantization: the cache holds the rounded numbers in the compute dtype.
#pragma once

#include "aten.hpp"
#include "calibration/calibration.hpp"
#include "core/json.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// Fills the defaults of a scheme: { bits = 8|4, type = "int"|"fp8", strategy, dynamic, symmetric,
// rotate = false }.
//   token_head  a scale for each token and head, from themselves (dynamic; the default)
//   token       a scale for each token over all its heads (dynamic)
//   head        a scale for each head, calibrated (static)
//   tensor      a scale for each layer, calibrated (static)
// rotate: keys are multiplied by a Hadamard matrix of head_dim before rounding, and back after it.
// Throws error(usage) for a scheme that cannot be applied.
json complete_kv(const json &scheme);

// Ranges of one layer's keys and values over a calibration: [kv_heads] f32.
struct kv_ranges {
  at::Tensor k_max, v_max;  // max |k|, max |v|; k rotated if the scheme rotates
};

// Rounds x [rows, kv_heads, tokens, head_dim]. scale: [kv_heads] or [1] f32 for static
// schemes, else undefined.
at::Tensor round_kv(const at::Tensor &x, const json &complete, const at::Tensor &scale = {});

// Runs the calibration through `decoder` block by block and measures keys and values.
std::vector<kv_ranges> measure_kv(const model::decoder &decoder, const calibration &data,
                                  const json &complete, const progress_fn &progress = {});

// Sets decoder.on_kv. Static schemes need the calibration; returns their scales by layer
// ([kv_heads] or [1] f32 for keys and for values), nothing for dynamic ones.
struct kv_scales {
  at::Tensor k, v;
};
std::vector<kv_scales> set_kv(model::decoder &decoder, const json &complete,
                              const calibration *data, const progress_fn &progress = {});
// The same with scales that are known already, of a folder that is read back.
void set_kv(model::decoder &decoder, const json &complete, std::vector<kv_scales> scales);

}  // namespace assay::quant
