// Implements the methods gptq and gptaq for one linear.
//
// gptq rounds the columns one after another, and the columns that are not yet rounded make up for the
// error (Frantar et al., arXiv 2210.17323, algorithm 1). gptaq does the same, but its target is the
// output that the float model has on its own inputs (Li et al., arXiv 2504.02692). feedback.cpp has
// the loop over columns. plugins/METHODS.md lists what differs from the published code.

#include "methods.hpp"
#include "triangular.hpp"

namespace hessian {
namespace {

// Returns the second term of gptaq, P = alpha ((D U^T) o M) U. Here D = sum (x_float - x) x^T, where
// x_float is the input in the float model. U is the upper triangular factor of the inverse Hessian, o
// multiplies element by element, and M is 1 above the diagonal and 0 elsewhere. Row i of P is
// alpha D_i,F inverse(H_FF), where F are the columns after i. When column i is rounded, its weight w_i
// times this row is added to the columns F.
std::vector<float> second_term(assay_cpp::host host, const feedback &p, const assay_stats *stats,
                               double alpha) {
  const int64_t n = p.in;
  const float *cross = cpu_floats(stats ? stats->cross : nullptr, "the cross-moment");
  const float *h = cpu_floats(stats->hessian, "the Hessian");
  std::vector<float> difference(static_cast<size_t>(n * n));
  for (size_t i = 0; i < difference.size(); ++i) difference[i] = cross[i] - h[i];
  auto d = permuted(host, difference.data(), n, p.order);
  std::vector<float> product(d.size()), out(d.size());
  auto u = p.u();
  const matrix_view left(d.data(), n, n, n), factor(u.data(), n, n, n),
      middle(product.data(), n, n, n), right(out.data(), n, n, n);
  multiply(host, alpha, left, factor, true, 0, middle);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j) product[static_cast<size_t>(i * n + j)] = 0.0f;
  multiply(host, 1.0, middle, factor, false, 0, right);
  return out;
}

void run(assay_cpp::host host, const method_config &config, const assay_linear *linear,
         const assay_stats *stats, assay_cpp::sink sink, bool float_target) {
  refuse_moving_grids(config);
  auto input = read_input(host, linear, stats);
  auto grids = fit_grids(host, input.w.data(), input.diagonal.data(), input.out, input.in,
                         config.grid, clip_of(linear));
  auto p = begin_feedback(host, input, std::move(input.w),
                          column_order(input.diagonal, config.act_order));
  factor(p, input, config.damping);
  if (float_target) p.p = second_term(host, p, stats, config.alpha);
  feed_back(p, whole_range(config, p, grids));
  emit_form(host, sink, p.codes, grids, p.out, p.in, config.grid, claims_of(p, input));
}

}  // namespace

void refuse_moving_grids(const method_config &config) {
  if (config.act_order && !config.static_groups)
    throw failure(
        ASSAY_INVALID_ARGUMENT,
        "act_order with grids fitted on the way needs a group index for each column, which "
        "kernels do not read: set static_groups or drop act_order");
}

feedback_range whole_range(const method_config &config, const feedback &p,
                           std::vector<group_grid> &grids) {
  feedback_range range;
  range.end = p.in;
  range.grid = config.grid;
  range.block_size = config.block_size;
  range.n_groups = config.grid.groups(p.in);
  range.fresh = !config.static_groups && range.n_groups > 1;
  range.grids = &grids;
  for (const int64_t column : p.order)
    range.group.push_back(static_cast<int32_t>(column / config.grid.group(p.in)));
  return range;
}

void gptq(assay_cpp::host host, const method_config &config, const assay_linear *linear,
          const assay_stats *stats, assay_cpp::sink sink) {
  run(host, config, linear, stats, sink, false);
}

void gptaq(assay_cpp::host host, const method_config &config, const assay_linear *linear,
           const assay_stats *stats, assay_cpp::sink sink) {
  run(host, config, linear, stats, sink, true);
}

}  // namespace hessian
