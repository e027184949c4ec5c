// Statistics of the last float pass, so that recipes which share model, calibration and needs pay for one pass.
// In memory and for one pass only: what outlives the process is the study's store.
#pragma once

#include "calibration/calibrate.hpp"

namespace assay::quant {

// As calibrate(), for a model that the visitor does not change. If the last pass saw the same tensors, the same
// calibration and at least these needs, the visitor gets its statistics again, bit for bit, and nothing runs; facts
// then have "shared" = true. Statistics are kept while they take less than a quarter of the free memory.
json calibrate_float(const model::decoder &reference, const calibration &data,
                     const calibrate_options &options,
                     const std::function<void(calibration_stop &)> &visit);
void forget_statistics();

}  // namespace assay::quant
