// Computes, group by group: the weight that the parameters give, one step of the parameters, and the
// codes and scales that are emitted. Rounding has no useful derivative, so the gradient takes 1 in its
// place inside the grid, and 0 beyond it, as auto-round's round_ste and clamp do.
#include "parameters.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace signround {
namespace {

using assay_grid::round_even;
using assay_grid::store;
using assay_grid::symmetric_scale;

float sign_of(float x) {
  return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
}

// One group of one row. slope: d loss / d w~, where w~ is the rounded weight. offset: V.
struct group_part {
  const float *w, *slope;
  float *offset;
  int64_t count;
};

// Moves the offsets of a group by one step and returns d loss / d scale. With w~ = s q, each weight
// adds slope * d w~ / d s. Inside the grid d w~ / d s is q - w / s, because q depends on w / s.
// Beyond the grid q is constant, and d w~ / d s is q. The loops run over short pieces and have no
// branches, so that the compiler vectorises them.
double move_offsets(const group_part &g, float scale, float low, float high, float rate) {
  constexpr int64_t k_piece = 128;
  float term[k_piece];
  double sums[4] = {};
  for (int64_t first = 0; first < g.count; first += k_piece) {
    const int64_t n = std::min(k_piece, g.count - first);
    const float *w = g.w + first, *slope = g.slope + first;
    float *offset = g.offset + first;
    for (int64_t j = 0; j < n; ++j) {
      const float ratio = w[j] / scale, x = round_even(ratio + offset[j]);
      const float raised = x < low ? low : x, q = raised > high ? high : raised;
      const bool inside = x == q;
      term[j] = slope[j] * (inside ? q - ratio : q);
      const float down = slope[j] * scale, direction = down > 0 ? rate : down < 0 ? -rate : 0.0f;
      const float moved = offset[j] - direction, above = moved < -0.5f ? -0.5f : moved;
      offset[j] = !inside ? offset[j] : above > 0.5f ? 0.5f : above;
    }
    for (int64_t j = 0; j < n; ++j) sums[j % 4] += static_cast<double>(term[j]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

parameters::parameters(const grid &g, const float *w, const float *importance, int64_t out,
                       int64_t in)
    : g_(g), w_(w), out_(out), in_(in), groups_(g.cut(in).count), size_(g.cut(in).size) {
  const auto n = static_cast<size_t>(out * groups_);
  low_.resize(n);
  high_.resize(n);
  clamped_.resize(n);
  for (int64_t row = 0; row < out; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const int64_t first = k * size_, count = std::min(size_, in - first);
      const float *x = w + row * in + first;
      const auto at = static_cast<size_t>(row * groups_ + k);
      const auto range = assay_grid::range_of(x, count).with_zero();
      low_[at] = range.low;
      high_[at] = range.high;
      if (!g.symmetric || !g.searched) continue;
      const auto best = searched_scale(x, importance ? importance + first : nullptr, count, range);
      high_[at] = best.value;
      clamped_[at] = best.clamped;
    }
  now_.offset.assign(static_cast<size_t>(out * in), 0.0f);
  now_.alpha.assign(n, 1.0f);
  now_.beta.assign(n, 1.0f);
  kept_ = now_;
}

// Returns the stored scale s with the least sum m (w - s q)^2, where q are the codes. The candidates
// are the scale of the full range times factors from 0.6 to 1.15 and times exactly 1, with both signs.
// m: n importances, or null if all are 1.
assay_grid::stored_scale parameters::searched_scale(const float *w, const float *m, int64_t n,
                                                    assay_grid::weight_range range) const {
  if (range.all_zero()) return {};
  const float full = symmetric_scale(range.low, range.high, g_.bits);
  assay_grid::stored_scale best;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 48; ++i) {
    const float factor = i % 24 == 23 ? 1.0f : 0.6f + 0.025f * static_cast<float>(i % 24);
    const auto scale = store(g_.stored, full * factor * (i < 24 ? 1.0f : -1.0f));
    double error = 0;
    for (int64_t j = 0; j < n; ++j) {
      const float q = std::clamp(round_even(w[j] / scale.value), g_.low(), g_.high());
      const double d = static_cast<double>(w[j] - scale.value * q);
      error += (m ? static_cast<double>(m[j]) : 1.0) * d * d;
    }
    if (error < least) least = error, best = scale;
  }
  return best;
}

parameters::group_grid parameters::grid_of(const state &at, int64_t row, int64_t k) const {
  const auto i = static_cast<size_t>(row * groups_ + k);
  group_grid out{1, 0, 0, 0, false};
  const auto keep = [&](float ideal) {
    const auto scale = store(g_.stored, ideal);
    out.scale = scale.value;
    out.clamped = scale.clamped || clamped_[i];
  };
  if (g_.symmetric && g_.searched) {
    out.by_alpha = high_[i];
    keep(high_[i] * at.alpha[i]);
    return out;
  }
  const float high = high_[i] * at.alpha[i], low = low_[i] * at.beta[i];
  if (g_.symmetric) {
    const bool lower = -low >= high;
    (lower ? out.by_beta : out.by_alpha) = (lower ? low_[i] : high_[i]) / g_.low();
    if (low != 0.0f || high != 0.0f) keep(symmetric_scale(low, high, g_.bits));
    return out;
  }
  out.by_alpha = high_[i] / g_.high();
  out.by_beta = -low_[i] / g_.high();
  if (low != high) keep(assay_grid::asymmetric_scale(low, high, g_.bits));
  out.zero = assay_grid::zero_point(low, out.scale, g_.bits);
  return out;
}

void parameters::weight(float *to, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const auto grid = grid_of(now_, row, k);
      const float low = g_.low() - grid.zero, high = g_.high() - grid.zero;
      const int64_t last = row * in_ + std::min(in_, (k + 1) * size_);
      for (int64_t j = row * in_ + k * size_; j < last; ++j) {
        const float x = w_[j] / grid.scale + now_.offset[static_cast<size_t>(j)];
        to[j] = grid.scale * round_even(std::clamp(x, low, high));
      }
    }
}

void parameters::step(const float *slope, float rate, float range_rate, int64_t begin,
                      int64_t end) {
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const auto grid = grid_of(now_, row, k);
      const float low = g_.low() - grid.zero, high = g_.high() - grid.zero;
      const int64_t first = row * in_ + k * size_;
      const double by_scale = move_offsets(
          {w_ + first, slope + first, now_.offset.data() + first, std::min(size_, in_ - k * size_)},
          grid.scale, low, high, rate);
      const auto i = static_cast<size_t>(row * groups_ + k);
      const auto move = [&](float &factor, float by) {
        const float gradient = static_cast<float>(by_scale) * by;
        // A factor on a searched scale stays in [0.5, 1.5], one on an end of the range in [0, 1].
        const float most = g_.symmetric && g_.searched ? 1.5f : 1.0f;
        factor = std::clamp(factor - range_rate * sign_of(gradient), most > 1 ? 0.5f : 0.0f, most);
      };
      if (range_rate > 0) {
        move(now_.alpha[i], grid.by_alpha);
        move(now_.beta[i], grid.by_beta);
      }
    }
}

uint64_t parameters::encode(uint8_t *codes, void *scales, uint8_t *zeros, int64_t begin,
                            int64_t end) const {
  uint64_t clamped = 0;
  for (int64_t row = begin; row < end; ++row)
    for (int64_t k = 0; k < groups_; ++k) {
      const auto grid = grid_of(now_, row, k);
      const int64_t at = row * groups_ + k;
      clamped += grid.clamped;
      assay_grid::write_scale(g_.stored, scales, at, grid.scale);
      if (zeros) zeros[at] = static_cast<uint8_t>(grid.zero);
      const float low = g_.low() - grid.zero, high = g_.high() - grid.zero;
      const int64_t last = row * in_ + std::min(in_, (k + 1) * size_);
      for (int64_t j = row * in_ + k * size_; j < last; ++j) {
        const float x = w_[j] / grid.scale + now_.offset[static_cast<size_t>(j)];
        codes[j] = static_cast<uint8_t>(
            static_cast<int>(round_even(std::clamp(x, low, high)) + grid.zero));
      }
    }
  return clamped;
}

}  // namespace signround
