// Adds rows of inputs to the statistics of a stop, and makes the stop for the visitor.
#include "calibration/stop_sums.hpp"

#include "core/error.hpp"

namespace assay::quant {
namespace {

statistics_needs first_needs(const statistics_needs &needs, bool first_token) {
  statistics_needs out;
  out.hessian = first_token;
  out.cross = first_token && needs.cross;
  return out;
}

}  // namespace

stop_sums::stop_sums(const model::linear_op &linear, const statistics_needs &needs,
                     bool first_token, at::Device device)
    : input_operation(linear.input_operation),
      needs_any(needs.any()),
      first_wanted(first_token),
      tokens(linear.in_features(), needs, device),
      first_tokens(linear.in_features(), first_needs(needs, first_token), device) {}

void stop_sums::add(const at::Tensor &rows, const at::Tensor &rows_float, bool is_first_token) {
  if (!any()) return;
  // What the weight is multiplied by.
  const auto seen = [&](const at::Tensor &x) {
    return input_operation && x.defined() ? input_operation(x) : x;
  };
  const auto x = seen(rows), x_float = seen(rows_float);
  // Allocate what add() will need and free it again: if memory is short, this fails here, while the
  // sums are unchanged and the step can be repeated.
  if (x.numel() > 0) at::empty({2, x.size(0), x.size(1)}, x.options().dtype(at::kFloat));
  (is_first_token ? first_tokens : tokens).add(x, x_float);
}

calibration_stop stop_sums::finish(int64_t block, model::linear_input input,
                                   std::vector<model::linear_op *> linears) {
  if (tokens.n_non_finite() > 0)
    throw error(error_kind::failed,
                std::to_string(tokens.n_non_finite()) + " values of the input are not finite")
        .layer(linears.front()->name)
        .hint("Look for NaN or Inf in the subject's weights, or load it as float32");
  calibration_stop stop;
  stop.block = block;
  stop.group = input.group;
  stop.expert = input.expert;
  stop.linears = std::move(linears);
  stop.statistics = tokens.finish();
  if (first_wanted) stop.first_token = first_tokens.finish();
  return stop;
}

}  // namespace assay::quant
