// Runs a quantizer that needs calibration: a linear is quantized when the calibration
// pass reaches its input.
#pragma once

#include "quant/run_state.hpp"

namespace assay::quant {

// Quantizes every job of the run, and returns facts of the pass for the metadata (calibrate.hpp).
// Throws error(usage) if there is no calibration or if the calibration has too few tokens.
json quantize_calibrated(run_state &run);

}  // namespace assay::quant
