// Describes how uneven the channels of linears' inputs are: which channels have unusually large values
// (outliers), and how the energy (sum x^2) is spread. If the channels are very uneven, methods such as
// AWQ, SmoothQuant and mixed precision can gain much.
#pragma once

#include "calibration/calibration.hpp"
#include "core/progress.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// Returns a list with an entry for each distinct input, in forward order: { block, group,
// width, tokens, abs_max, median_max = median over channels of their largest magnitude,
// outlier_ratio = abs_max / median_max, top_share = share of sum x^2 in the top 1 % of channels
// (at least one), channels = [{ index, max }] of the 8 largest; for an input of an expert also expert and
// routed_tokens }. Throws error(usage) for token
// ids beyond the model's vocabulary.
json salience(const model::decoder &model, const calibration &data, const progress_fn &progress);

}  // namespace assay::quant
