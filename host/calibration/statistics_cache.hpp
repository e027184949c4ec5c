// Remembers the statistics of the last float pass, so that recipes which share model, calibration
// and needs pay for one pass. It is memory only; what outlives the process is in the study's store.
#pragma once

#include "calibration/calibrate.hpp"

namespace assay::quant {

// Does what calibrate() does, for a model that the visitor does not change. If the last pass saw
// the same tensors, the same calibration and at least these needs, the visitor receives its
// statistics again, bit for bit, without a forward pass; facts then have "shared" = true.
// Statistics are remembered while they take less than a quarter of the free memory, and never of a
// model whose weights are read on demand.
json calibrate_float(const model::decoder &float_model, const calibration &data,
                     const calibrate_options &options,
                     const std::function<void(calibration_stop &)> &visit);
void forget_statistics();

}  // namespace assay::quant
