// Runs a quantizer that works on whole blocks: one call for all linears of a block.
#pragma once

#include "calibration/calibrate.hpp"
#include "quant/linear_work.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

// Quantizes those linears of the block whose jobs are not done yet, all with the plugin instance of
// the first one. The target is what the same block of float_model puts out, if the calibration pass also
// carries the states of the float model; otherwise it is what the block itself puts out before it is changed.
// Throws error(usage) if the linears of the block have different configurations.
void quantize_whole_block(run_state &run, linear_work &work, const calibration_block &block,
                          const model::decoder &float_model);

}  // namespace assay::quant
