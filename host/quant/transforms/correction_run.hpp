// Transforms that run after the quantizer (ASSAY_SCHEDULE_AFTER): they correct biases of the quantized model.
// Not the others (transform_run.hpp), and no function is compared: what they change is the error.
#pragma once

#include "quant/transforms/transform_run.hpp"

namespace assay::quant {

// True if the recipe has one: then the caller keeps the float model for run_corrections.
bool has_corrections(const model::decoder &decoder, const recipe &what, ledger &incidents);

// Gives linears of out.decoder biases, which are stored with the model. before: the float model that the quantizer
// read. Block by block, on the inputs that the corrected part before it gives; folder: for the stages of a decoder on
// demand. Returns the report.
json run_corrections(quantized_model &out, const model::decoder &before, const recipe &what,
                     const calibration *data, const progress_fn &progress,
                     const std::string &folder = "");

}  // namespace assay::quant
