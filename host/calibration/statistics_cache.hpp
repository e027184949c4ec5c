// Remembers the statistics of the last pass over a float model. Recipes with the same model, the
// same calibration and the same needs then pay for one pass only. The statistics are in memory and
// end with the process.
#pragma once

#include "calibration/calibrate.hpp"

namespace assay::quant {

// Does what calibrate() does, for a model that the visitor does not change. If the last pass had the
// same weights, calibration and chunk_tokens and at least these needs, no forward pass runs: the visitor
// receives the remembered statistics, bit for bit, and the returned facts have "shared" = true.
// Statistics are remembered only if their Hessians take at most a quarter of the free memory. A pass
// is never remembered if it has raw inputs, whole blocks or a second stream, or if the model has hooks
// or reads its weights on demand.
json calibrate_float(const model::decoder &float_model, const calibration &data,
                     const calibrate_options &options,
                     const std::function<void(calibration_stop &)> &visit);
void forget_statistics();  // frees what is remembered

}  // namespace assay::quant
