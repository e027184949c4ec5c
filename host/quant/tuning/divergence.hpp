// Kullback-Leibler divergence between the next-token distributions of two models, tile by tile: its
// value, and its gradient where tuning wants one. Not the forward that makes the hidden states.
#pragma once

#include "aten.hpp"
#include "calibration/calibration.hpp"
#include "core/json.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// KL(p || q) in nats for each row; p from `theirs` through `reference`'s head, q from `mine` through
// `model`'s. mine, theirs: [n, hidden], final-normed. Returns [n] fp32.
at::Tensor token_divergence(const model::decoder &model, const at::Tensor &mine,
                            const model::decoder &reference, const at::Tensor &theirs);

// The sum over rows, and its gradient with respect to `mine`: (q - p) H. head_t: [hidden, vocab],
// the transpose of `model`'s head, made once by the caller.
double divergence_gradient(const model::decoder &model, const at::Tensor &mine,
                           const model::decoder &reference, const at::Tensor &theirs,
                           const at::Tensor &head_t, at::Tensor &gradient);

// Mean over the counted tokens of all sequences: { kl, tokens, sequences = mean of each }.
json measure_divergence(const model::decoder &model, const model::decoder &reference,
                        const calibration &data, const progress_fn &progress);

}  // namespace assay::quant
