// Runs a quantizer that works on whole blocks: one call for all linears of a block.
#pragma once

#include "calibration/calibrate.hpp"
#include "quant/linear_work.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

// Quantizes the open jobs of the block by the instance of the first of them. float_model:
// gives the second stream's targets. Throws error(usage) where the linears of the block
// have different configurations.
void quantize_whole_block(run_state &run, linear_work &work, const calibration_block &block,
                          const model::decoder &float_model);

}  // namespace assay::quant
