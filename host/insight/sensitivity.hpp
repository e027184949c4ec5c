// Measures what each part (unit) of a quantized model costs: how far the next-token distributions
// move from the float model's (KL divergence) when only that part is quantized. This is measured by
// a swap, or predicted from one backward pass.
#pragma once

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct sensitivity_options {
  bool swap = true;      // measure: run the model once for each unit, from the unit's block on
  bool gradient = true;  // predict all units from one backward pass
  bool fused = true;     // linears that serving programs join (q,k,v; gate,up) are one unit
  progress_fn progress;  // counts each unit once for each sequence
};

// quantized: `float_model` after a recipe without transforms. A recipe with transforms throws
// error(usage), because a transform changes several units together. data: a few sequences are enough.
// The memory that this needs is that of one sequence.
//
// `swap` gives `kl` of each unit: KL(float || float with the unit quantized), mean over counted tokens,
// nats. It also gives `control`: the float model's own middle block is put in its place and run in the
// same way; the result must be exactly 0. `gradient` estimates the same KL from gradients (empirical
// Fisher): 1/2 mean (g . dy)^2, where g is the gradient of the tokens' negative log-likelihood with
// respect to the unit's outputs, and dy the change of these outputs by quantization. This mean is the
// sum over all tokens, divided by the number of counted tokens.
//
// Returns { tokens, control, full = KL of the whole quantized model, additivity = full / sum of kl,
// units = [{ name, block, role, linears, parameters, bits (for each weight), kl, gradient }] }.
json sensitivity(const quantized_model &quantized, const model::decoder &float_model,
                 const calibration &data, const sensitivity_options &options = {});

}  // namespace assay::quant
