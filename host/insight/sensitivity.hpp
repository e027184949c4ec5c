// What each part of a quantized model costs: the divergence from the float model when that part alone
// is quantized, measured by a swap or predicted from one backward pass.
// Not the choice that follows from it (allocate.hpp).
#pragma once

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct sensitivity_options {
  bool swap = true;      // run the model once for each unit, from the unit's block on
  bool gradient = true;  // predict all units from one backward pass
  bool fused = true;  // a unit is what consumers fuse: q,k,v and gate,up; else a unit is a linear
  progress_fn progress;  // in units
};

// quantized: `reference` through any recipe that keeps the function of blocks (no transforms: throws
// error(usage), since a part then stands for nothing alone). data: few sequences; all forms of memory
// are those of one sequence.
//
// swap: KL(float || float with the unit's weights quantized), mean over counted tokens, nats. The
// control, a swap of nothing, must be exactly 0: it runs the same way.
// gradient: 1/2 mean (g . dy)^2, g the gradient of the tokens' negative log-likelihood with respect to
// the unit's outputs, dy what quantization changes there: the empirical Fisher form of the same KL.
// Returns { tokens, control, full = KL of the whole model, additivity = full / sum of swaps, units =
// [{ name, block, role, linears, parameters, bits, kl, gradient }] }.
json sensitivity(const quantized_model &quantized, const model::decoder &reference,
                 const calibration &data, const sensitivity_options &options = {});

}  // namespace assay::quant
