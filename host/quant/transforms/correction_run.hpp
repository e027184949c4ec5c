// Runs transforms that come after the quantizer (ASSAY_SCHEDULE_AFTER): they correct biases of the
// quantized model. No function is compared, because reducing the error changes it.
// Other transforms: transform_run.hpp.
#pragma once

#include "quant/transforms/transform_run.hpp"

namespace assay::quant {

// True if the recipe has such a transform: the caller then keeps the float
// model for run_corrections.
bool has_corrections(const model::decoder &decoder, const recipe &recipe, ledger &incidents);

// Gives linears of out.decoder biases, which are stored with the model. before: the float model
// that the quantizer read. Each block is corrected on the inputs that the corrected blocks before
// it give. Returns the report.
json run_corrections(quantized_model &out, const model::decoder &before, const recipe &recipe,
                     const calibration *data, const progress_fn &progress);

}  // namespace assay::quant
