// Runs a quantizer that needs calibration: linears are quantized as the calibration pass
// reaches their inputs.
#pragma once

#include "quant/run_state.hpp"

namespace assay::quant {

// Quantizes every job of the run; returns the facts of the pass for the metadata. Throws
// error(usage) without calibration data or with too few tokens.
json quantize_calibrated(run_state &run);

}  // namespace assay::quant
