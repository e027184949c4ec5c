// Searches limits for the weights of a group. With `symmetric`, both limits are at the same share of the
// largest magnitude. With `asymmetric`, first the lower end shrinks, then the upper one. Asymmetric
// grids need a limit for each end, because llm-awq's symmetric limits fail on them at 2 bits. The tool
// LightCompress has a limit for each end too.
#include "clip.hpp"

#include <algorithm>
#include <cmath>

namespace scaling {
namespace {

// Returns d^T H d over the columns [first, first + n). hessian: [in, in].
double quadratic(const float *d, const float *hessian, int64_t first, int64_t n, int64_t in) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float *row = hessian + (first + i) * in + first;
    float sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += row[j] * d[j];
    total += static_cast<double>(sum) * static_cast<double>(d[i]);
  }
  return total;
}

// Tries limits for one group of one row and keeps the best.
class group_search {
 public:
  group_search(const float *w, int64_t first, int64_t n, int64_t in, const float *hessian,
               const plain_grid &grid)
      : w_(w + first),
        first_(first),
        n_(n),
        in_(in),
        hessian_(hessian),
        grid_(grid),
        d_(static_cast<size_t>(n)) {
    for (int64_t j = 0; j < n; ++j) low_ = std::min(low_, w_[j]), high_ = std::max(high_, w_[j]);
    best_low = low_, best_high = high_;
    least = identity = loss(low_, high_);
  }

  void run(const clip_search &how) {
    const float most = std::max(-low_, high_);
    if (how.form == clip_form::symmetric)
      each(how, [&](float share) {
        attempt(std::max(low_, -share * most), std::min(high_, share * most));
      });
    if (how.form != clip_form::asymmetric) return;
    each(how, [&](float share) { attempt(share * low_, best_high); });
    const float chosen = best_low;
    each(how, [&](float share) { attempt(chosen, share * high_); });
  }

  float best_low = 0, best_high = 0;
  double least = 0, identity = 0;

 private:
  // Calls body with each share of the range that may remain, from large to small.
  template <class Body>
  void each(const clip_search &how, const Body &body) {
    for (int64_t step = 1; step < how.steps; ++step)
      body(static_cast<float>(1.0 - how.most_shrink * static_cast<double>(step) /
                                        static_cast<double>(how.steps)));
  }
  // Returns the error of the output that comes from this group if its weights are clipped and rounded.
  double loss(float low, float high) {
    for (int64_t j = 0; j < n_; ++j) d_[static_cast<size_t>(j)] = std::clamp(w_[j], low, high);
    round_group(d_.data(), n_, grid_);
    for (int64_t j = 0; j < n_; ++j) d_[static_cast<size_t>(j)] -= w_[j];
    return quadratic(d_.data(), hessian_, first_, n_, in_);
  }
  void attempt(float low, float high) {
    const double found = loss(low, high);
    if (!(found < least)) return;
    least = found, best_low = low, best_high = high;
  }

  const float *w_;
  int64_t first_, n_, in_;
  const float *hessian_;
  const plain_grid &grid_;
  std::vector<float> d_;
  float low_ = 0, high_ = 0;
};

}  // namespace

clip_result search_clip(const assay_cpp::host &host, const assay_linear &linear,
                        const std::vector<float> &hessian, const plain_grid &grid,
                        const clip_search &how) {
  const auto w = assay_cpp::matrix_of<float>(linear.weight, "a weight");
  const int64_t in = w.columns, size = grid.group(in);
  clip_result out;
  out.groups = (in + size - 1) / size;
  const auto n = static_cast<size_t>(w.rows * out.groups);
  out.low.resize(n);
  out.high.resize(n);
  std::vector<double> losses(n), identities(n);
  std::vector<uint8_t> cut(n);
  host.parallel_for(w.rows, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t g = 0; g < out.groups; ++g) {
        const int64_t first = g * size;
        group_search search(w.row(row), first, std::min(size, in - first), in, hessian.data(),
                            grid);
        search.run(how);
        const auto at = static_cast<size_t>(row * out.groups + g);
        out.low[at] = search.best_low;
        out.high[at] = search.best_high;
        losses[at] = search.least;
        identities[at] = search.identity;
        cut[at] = search.least < search.identity;
      }
  });
  for (size_t i = 0; i < n; ++i) {
    out.loss += losses[i], out.identity_loss += identities[i];
    out.clipped += cut[i];
  }
  return out;
}

}  // namespace scaling
