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

// Throws error(usage) if the recipe rounds inputs to a fixed range and the stop has no range, because an expert saw too few tokens.
void require_range(const run_state &run, const calibration_stop &stop,
                   const model::linear_op &linear);
// Adds an incident for an expert that saw fewer tokens than its input is wide. used_by: the component that uses its statistics.
void note_starved(const starved_input &one, const std::string &used_by, ledger &incidents);

}  // namespace assay::quant
