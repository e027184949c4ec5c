// Prepares the statistics of a calibration stop (an input of linears) for the quantizer, and checks
// that there were enough tokens.
#pragma once

#include "calibration/calibrate.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

// Returns the statistics of the stop. If a Hessian is asked for, tokens at position 0 get the extra
// weight of the recipe (first_token_weight).
input_statistics shown_statistics(const run_state &run, const calibration_stop &stop);
// Returns statistics as plugins see them. sums: from shown_statistics. sums and stop are borrowed.
stats_view stats_of(const run_state &run, const calibration_stop &stop,
                    const input_statistics &sums);
// A Hessian of fewer tokens than columns does not have full rank. Throws error(usage) if there are
// fewer tokens than the recipe allows (min_token_ratio). If there are fewer tokens than columns and
// the recipe allows it, adds an incident to the ledger.
void require_rank(run_state &run, const calibration_stop &stop, const model::linear_op &linear);

}  // namespace assay::quant
