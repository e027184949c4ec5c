// Runs a quantizer that needs no calibration: one linear after another.
#pragma once

#include "quant/run_state.hpp"

namespace assay::quant {

// Quantizes every job (linear) of the run that is not done yet. After Ctrl-C it throws error(cancelled),
// at the latest before the next linear.
void quantize_data_free(run_state &run);

}  // namespace assay::quant
