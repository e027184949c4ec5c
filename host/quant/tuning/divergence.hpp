// Measures the Kullback-Leibler divergence (KL) between the next-token distributions of two models,
// and its gradient for tuning.
#pragma once

#include "aten.hpp"
#include "calibration/calibration.hpp"
#include "core/json.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// Returns KL(p || q) in nats for each row (token): [n] fp32. mine, theirs [n, hidden] are hidden
// states after the final norm. The head of `model` makes q from `mine`, the head of
// `float_model` p from `theirs`.
at::Tensor token_divergence(const model::decoder &model, const at::Tensor &mine,
                            const model::decoder &float_model, const at::Tensor &theirs);

// Returns the sum of KL(p || q) over rows. gradient receives its derivative with respect to `mine`,
// (q - p) times the head's weight: [n, hidden]. head_t: [hidden, vocab], the transposed head of
// `model`, contiguous, which the caller makes once.
double divergence_gradient(const model::decoder &model, const at::Tensor &mine,
                           const model::decoder &float_model, const at::Tensor &theirs,
                           const at::Tensor &head_t, at::Tensor &gradient);

// Runs both models over all sequences. Returns { kl = mean over all counted tokens, tokens = their
// number, sequences = mean of each sequence }.
json measure_divergence(const model::decoder &model, const model::decoder &float_model,
                        const calibration &data, const progress_fn &progress);

}  // namespace assay::quant
