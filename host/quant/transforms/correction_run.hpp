// Runs transforms that come after the quantizer (ASSAY_SCHEDULE_AFTER). They correct biases of the
// quantized model. A correction is meant to change the function of the model, so the function is not
// compared before and after. transform_run.hpp runs all other transforms.
#pragma once

#include "quant/transforms/transform_run.hpp"

namespace assay::quant {

// True if the recipe has such a transform. The caller then keeps the float model for
// run_corrections, because the quantizer replaces its weights.
bool has_corrections(const model::decoder &decoder, const recipe &recipe, ledger &incidents);

// Sets biases of linears in out.decoder and out.edited, so that they are saved with the model.
// before: the float model that the quantizer read. A block is corrected on the inputs that the
// corrected blocks before it give. activation_folder: as in calibrate_options. Returns the report: [{ transform, block, note }]. Throws
// error(usage) without calibration.
json run_corrections(quantized_model &out, const model::decoder &before, const recipe &recipe,
                     const calibration *data, const std::string &activation_folder,
                     const progress_fn &progress);

}  // namespace assay::quant
