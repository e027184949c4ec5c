// How unevenly the inputs of a model's linears are filled: outlier channels and where the energy sits.
// What AWQ, SmoothQuant and mixed precision live from. Not a method: nothing is changed.
#pragma once

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// For each distinct input, in forward order: { block, group, width, tokens, abs_max, median_max = median
// over channels of their largest magnitude, outlier_ratio = abs_max / median_max, top_share = share of
// sum x^2 in the top 1 % of channels (at least one), channels = [{ index, max }] of the 8 largest }.
json salience(const model::decoder &model, const calibration &data, const progress_fn &progress);

}  // namespace assay::quant
