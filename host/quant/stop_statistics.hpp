// Prepares the statistics of a calibration stop for the quantizer, and checks that there
// were enough tokens.
#pragma once

#include "calibration/calibrate.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

// The sums of the stop, with the recipe's weight of the first token added where a Hessian
// is asked for.
input_statistics shown_statistics(const run_state &run, const calibration_stop &stop);
// sums: from shown_statistics; borrow, as the stop.
stats_view stats_of(const run_state &run, const calibration_stop &stop,
                    const input_statistics &sums);
// Throws error(usage) where the Hessian has fewer tokens than the recipe allows for this width; a
// rank that is low but allowed is noted as an incident.
void require_rank(run_state &run, const calibration_stop &stop, const model::linear_op &linear);

}  // namespace assay::quant
