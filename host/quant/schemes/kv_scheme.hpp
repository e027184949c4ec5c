// Key-value schemes: what the cache would hold, rounded as it is stored; keys after RoPE, values as projected.
// Fake quantization: the cache keeps the rounded numbers in the compute dtype.
#pragma once

#include "aten.hpp"
#include "calibration/calibration.hpp"
#include "core/json.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// { bits = 8|4, type = "int"|"fp8", strategy, dynamic, symmetric, rotate = false }, complete. Strategies:
//   token_head  a scale for each token and head, from themselves (dynamic; the default)
//   token       a scale for each token over all its heads (dynamic)
//   head        a scale for each head, calibrated (static)
//   tensor      a scale for each layer, calibrated (static)
// rotate: keys are turned by a Hadamard matrix of head_dim before rounding and back after it; attention is the same
// without rounding. Throws error(usage) for what cannot be.
json complete_kv(const json &scheme);

// Ranges of one layer's keys and values over a calibration: [kv_heads] f32.
struct kv_ranges {
  at::Tensor k_max, v_max;  // max |k|, max |v|; k rotated if the scheme rotates
};

// Rounds x [rows, kv_heads, tokens, head_dim]. scale: [kv_heads] or [1] f32 for static schemes, else undefined.
at::Tensor round_kv(const at::Tensor &x, const json &complete, const at::Tensor &scale = {});

// One forward of `decoder` over the calibration, block by block, watching keys and values.
std::vector<kv_ranges> measure_kv(const model::decoder &decoder, const calibration &data,
                                  const json &complete, const progress_fn &progress = {});

// Sets decoder.on_kv. Static schemes need the calibration; returns their scales by layer ([kv_heads] or [1] f32 each
// for keys and values), else nothing.
struct kv_scales {
  at::Tensor k, v;
};
std::vector<kv_scales> set_kv(model::decoder &decoder, const json &complete,
                              const calibration *data, const progress_fn &progress = {});
// With scales that are known already (a folder that is read back).
void set_kv(model::decoder &decoder, const json &complete, std::vector<kv_scales> scales);

}  // namespace assay::quant
