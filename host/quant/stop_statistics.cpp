// Prepares the statistics of a calibration stop for a quantizer and checks the number of tokens.
#include "quant/stop_statistics.hpp"

#include "core/error.hpp"
#include "quant/schemes/activation.hpp"

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

void require_range(const run_state &run, const calibration_stop &stop,
                   const model::linear_op &linear) {
  if (!stop.uniform || run.activation.is_null() || !is_static(run.activation)) return;
  throw error(error_kind::usage, "the router gave this expert " +
                                     std::to_string(stop.routed_tokens) +
                                     " tokens, too few for a fixed range of its input")
      .layer(linear.name)
      .at("recipe.experts")
      .hint("Set experts = 'borrow' or 'route_all', give more tokens, or round inputs dynamically");
}

void note_starved(const starved_input &one, const std::string &used_by, ledger &incidents) {
  const bool all = one.policy != expert_policy::plain;
  incidents.add({"starved_expert",
                 one.linear,
                 std::string("the router gave this expert fewer tokens than its input is wide; ") +
                     (all ? "the statistics are those of all tokens of the layer"
                          : "all columns count alike"),
                 {{"tokens", one.tokens},
                  {"columns", one.width},
                  {"policy", expert_policy_name(one.policy)},
                  {"for", used_by}}});
}

}  // namespace assay::quant
