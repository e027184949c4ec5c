// Runs a quantizer that needs no calibration: one linear after another.
#pragma once

#include "quant/run_state.hpp"

namespace assay::quant {

// Quantizes every job (linear) of the run that is not done yet. Throws error(cancelled) within one
// linear of Ctrl-C.
void quantize_data_free(run_state &run);

}  // namespace assay::quant
