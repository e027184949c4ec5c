// Prepares the statistics of a calibration stop for a quantizer and checks the number of tokens.
#include "quant/stop_statistics.hpp"

#include "core/error.hpp"

namespace assay::quant {

input_statistics shown_statistics(const run_state &run, const calibration_stop &stop) {
  return run.jobs.needs.hessian && run.recipe.first_token_weight > 0
             ? stop.statistics.with_first_token(stop.first_token, run.recipe.first_token_weight)
             : stop.statistics;
}

stats_view stats_of(const run_state &run, const calibration_stop &stop,
                    const input_statistics &sums) {
  return stats_view(sums, stop.first_token.n_tokens ? &stop.first_token : nullptr,
                    run.recipe.propagation, static_cast<int64_t>(run.data->sequences().size()));
}

void require_rank(run_state &run, const calibration_stop &stop, const model::linear_op &linear) {
  const int64_t tokens = stop.statistics.n_tokens, width = linear.in_features();
  if (!run.jobs.needs.hessian || tokens >= width) return;
  const double ratio = static_cast<double>(tokens) / static_cast<double>(width);
  if (ratio < run.recipe.min_token_ratio)
    throw error(error_kind::usage, "calibration has " + std::to_string(tokens) +
                                       " counted tokens for inputs of width " +
                                       std::to_string(width))
        .layer(linear.name)
        .hint("Give more tokens, or allow it with min_token_ratio");
  run.result.incidents.add({"low_rank",
                            linear.name,
                            "the Hessian has fewer tokens than columns",
                            {{"tokens", tokens}, {"columns", width}}});
}

}  // namespace assay::quant
