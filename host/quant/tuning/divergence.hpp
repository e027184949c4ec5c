// Measures the Kullback-Leibler divergence between the next-token distributions of two models, tile
// by tile, and its gradient for tuning.
#pragma once

#include "aten.hpp"
#include "calibration/calibration.hpp"
#include "core/json.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// KL(p || q) in nats for each row: p from `theirs` through the head of `float_model`, q from `mine`
// through the head of `model`. mine, theirs: [n, hidden], final-normed. Returns [n] fp32.
at::Tensor token_divergence(const model::decoder &model, const at::Tensor &mine,
                            const model::decoder &float_model, const at::Tensor &theirs);

// The sum over rows, and its gradient with respect to `mine`, (q - p) H. head_t: [hidden, vocab],
// the transposed head of `model`, which the caller makes once.
double divergence_gradient(const model::decoder &model, const at::Tensor &mine,
                           const model::decoder &float_model, const at::Tensor &theirs,
                           const at::Tensor &head_t, at::Tensor &gradient);

// The mean over the counted tokens of all sequences: { kl, tokens, sequences = mean of each }.
json measure_divergence(const model::decoder &model, const model::decoder &float_model,
                        const calibration &data, const progress_fn &progress);

}  // namespace assay::quant
