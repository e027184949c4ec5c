// tune: codes stay, scales and norms are trained so that the whole model's next-token distribution
// stays near the float model's (KL divergence). The last step of a recipe, after any quantizer.
// Not learned rounding (a quantizer's work) and not fine-tuning: no weight leaves its grid.
//
// Memory: the float model, the quantized model, the inputs of all blocks for one batch, and the
// graph of one block: each block runs forward again when its gradient is wanted.
#pragma once

#include "calibration/calibration.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// A recipe's `tune` with defaults filled: { steps, rate, batch, norms }. Throws error(usage).
// steps: batches; 0 = every sequence of the calibration once. batch: sequences of a step.
json complete_tune(const json &given);

// Trains one multiplier for each scale of `model.forms` (and the norms) on the calibration's
// sequences, then rounds the scales to their stored dtype, lets every quantizer dequantize anew and
// replaces the weights of model.decoder. What a tune cannot change (scales that are no plain
// numbers, weights that are not proportional to them) stays and is in the ledger. Masks count.
// Returns facts for the metadata: { steps, rate, sequences, tokens, kl = one for each step, before
// it, scales, norms, linears_before = errors of the forms as the quantizer left them, seconds }.
json tune(quantized_model &model, const model::decoder &reference, const model::checkpoint &subject,
          const calibration *data, const json &options, uint64_t seed, const progress_fn &progress);

}  // namespace assay::quant
