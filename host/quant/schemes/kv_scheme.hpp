// Rounds keys and values of attention as a quantized cache would store them: keys after the rotary
// embedding (RoPE), values as the v projection gives them. A cache in fp32 on the CPU stores the codes;
// only with the strategy "token" it holds the rounded numbers as floats. The results are equal bit for bit.
#pragma once

#include "aten.hpp"
#include "calibration/calibration.hpp"
#include "core/json.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// Fills in the defaults of a scheme: { bits = 8 (2 to 8), type = "int"|"fp8", strategy, dynamic,
// symmetric, rotate = false }. The strategies:
//   token_head  a scale for each token and head, from its own numbers (dynamic; the default)
//   token       a scale for each token over all its heads, from its own numbers (dynamic)
//   head        a scale for each head, calibrated (static)
//   tensor      a scale for each layer, calibrated (static)
// rotate: keys are multiplied by a Hadamard matrix of size head_dim before rounding, and by its
// inverse after it. Throws error(usage) for a scheme that cannot be applied.
json complete_kv(const json &scheme);

// Largest magnitudes of one layer's keys and values over a calibration: [kv_heads] f32.
struct kv_ranges {
  at::Tensor k_max, v_max;  // max |k|, max |v|; k rotated if the scheme rotates
};

// Returns x [rows, kv_heads, tokens, head_dim] rounded; it does not rotate x. complete: from
// complete_kv. scale: [kv_heads] or [1] f32 for a static scheme, else undefined.
at::Tensor round_kv(const at::Tensor &x, const json &complete, const at::Tensor &scale = {});

// Runs the calibration through `decoder` block by block and measures the keys and
// values of each layer.
std::vector<kv_ranges> measure_kv(const model::decoder &decoder, const calibration &data,
                                  const json &complete, const progress_fn &progress = {});

struct kv_scales {  // of one layer, for a static scheme
  at::Tensor k, v;  // [kv_heads] or [1] f32
};
// Sets decoder.on_kv, so that the decoder rounds keys and values. Returns the scales of each layer,
// which a static scheme measures on the calibration; empty for a dynamic scheme. Throws error(usage)
// for a static scheme without calibration.
std::vector<kv_scales> set_kv(model::decoder &decoder, const json &complete,
                              const calibration *data, const progress_fn &progress = {});
// Does the same with known scales, such as those of a saved folder.
void set_kv(model::decoder &decoder, const json &complete, std::vector<kv_scales> scales);

}  // namespace assay::quant
