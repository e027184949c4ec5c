// Tunes a quantized model: trains its scales and norms, so that the next-token distributions of the
// whole model come near to those of the float model. The distance is the Kullback-Leibler
// divergence. The integer codes do not change.
//
// In memory are the float model, the quantized model, the inputs of all blocks for one batch, and
// the autograd graph of one block. A block runs forward again when its gradient is needed.
#pragma once

#include "calibration/calibration.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Fills in the defaults of a recipe's `tune`: { steps, rate, batch, norms }. steps: number of
// batches; 0 = every sequence of the calibration once. rate: largest relative step of a scale.
// batch: sequences of one step, if they are as long as the longest sequence; a step takes more of
// shorter ones. norms: train the norms too. Throws error(usage) for unknown or wrong options.
json complete_tune(const json &given);

// Trains one multiplier for each scale of `model.forms`, and the norms, on the counted tokens of
// the calibration. Then rounds the scales to their stored dtype, lets every quantizer dequantize
// again, and replaces the weights of model.decoder. A form stays as it is, with an incident in the
// ledger, if it has no scales for groups of columns, if these are not stored as floats, or if its
// weights are no affine function of them. options: from complete_tune. Returns facts for the
// metadata: { steps, rate, sequences, tokens, kl = the divergence before each step, scales, norms,
// linears_before = errors of the forms before tuning, seconds }. Throws error(usage) without
// calibration, or if inputs of linears are rounded or rotated; keys and values are rounded only after it.
json tune(quantized_model &model, const model::decoder &float_model,
          const model::checkpoint &subject, const calibration *data, const json &options,
          uint64_t seed, const progress_fn &progress);

}  // namespace assay::quant
