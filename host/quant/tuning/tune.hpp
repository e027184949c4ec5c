// Trains scales and norms so that the next-token distribution of the whole model stays near
// that of the float model (KL divergence), as the last step of a recipe. Codes stay: no weight
// leaves its grid.
//
// In memory are the float model, the quantized model, the inputs of all blocks for one batch, and
// the graph of one block, which runs forward again when its gradient is needed.
#pragma once

#include "calibration/calibration.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Fills the defaults of a recipe's `tune`: { steps, rate, batch, norms }. Throws error(usage).
// steps: batches; 0 = every sequence of the calibration once. batch: sequences of a step.
json complete_tune(const json &given);

// Trains one multiplier for each scale of `model.forms`, and the norms, on the sequences of the
// calibration; masks count. Then rounds the scales to their stored dtype, lets every quantizer
// dequantize again and replaces the weights of model.decoder. A form whose scales are no plain
// numbers, or whose weights are not affine in them, stays as it is and is noted as an incident.
// Returns facts for the metadata: { steps, rate, sequences, tokens, kl = one for each step, before
// it, scales, norms, linears_before = errors of the forms as the quantizer left them, seconds }.
json tune(quantized_model &model, const model::decoder &float_model,
          const model::checkpoint &subject, const calibration *data, const json &options,
          uint64_t seed, const progress_fn &progress);

}  // namespace assay::quant
