// Prepares the statistics of a calibration stop (an input of linears) for the quantizer, and checks
// that there were enough tokens.
#pragma once

#include "calibration/calibrate.hpp"
#include "quant/run_state.hpp"

namespace assay::quant {

// Returns the statistics of the stop. If a Hessian is asked for, tokens at position 0 get the extra
// weight of the recipe (first_token_weight).
input_statistics shown_statistics(const run_state &run, const calibration_stop &stop);
// Returns them as plugins see them. sums: from shown_statistics. sums and stop are borrowed.
stats_view stats_of(const run_state &run, const calibration_stop &stop,
                    const input_statistics &sums);
// A Hessian of fewer tokens than columns has no full rank. Throws error(usage) if it has
// fewer tokens than the recipe allows (min_token_ratio); if it has few but enough, adds an
// incident to the ledger.
void require_rank(run_state &run, const calibration_stop &stop, const model::linear_op &linear);

}  // namespace assay::quant
