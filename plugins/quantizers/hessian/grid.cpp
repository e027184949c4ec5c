// Candidate scales lie in the lanes of a vector, columns are walked once for each of two passes: no
// sum
// across lanes, any group length. 20 factors 0.6 .. 1.15 of the full range and both signs
// (methods-on-smollm2.md, default of "best"); least-squares refit with codes fixed (methods.md
// 3.0).
#include "grid.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"

namespace hessian {
namespace {

constexpr int k_vectors = 3;
constexpr int k_candidates = k_vectors * static_cast<int>(k_lanes);  // 24 factors, both signs
constexpr double k_first_factor = 0.6, k_last_factor = 1.15;

struct candidates {
  alignas(64) float scale[k_candidates], zero[k_candidates];
};
struct outcome {
  alignas(64) float error[k_candidates], numerator[k_candidates], denominator[k_candidates];
};

// error = sum m (w - s (q - z))^2 and the sums of the refit s = sum m w (q - z) / sum m (q - z)^2.
HESSIAN_CLONES
void evaluate(const float *w, int64_t stride, const float *m, int64_t n, float low, float high,
              const candidates &tried, outcome &out) {
  f32x16 scale[k_vectors], inverse[k_vectors], lows[k_vectors], highs[k_vectors];
  f32x16 error[k_vectors] = {}, numerator[k_vectors] = {}, denominator[k_vectors] = {};
  for (int v = 0; v < k_vectors; ++v) {
    load(scale[v], tried.scale + v * k_lanes);
    f32x16 zero;
    load(zero, tried.zero + v * k_lanes);
    lows[v] = low - zero;
    highs[v] = high - zero;
    inverse[v] = 1.0f / scale[v];
  }
  for (int64_t j = 0; j < n; ++j) {
    const float weight = w[j * stride], importance = m ? m[j] : 1.0f;
    for (int v = 0; v < k_vectors; ++v) {
      f32x16 q = weight * inverse[v];  // becomes code - zero
      clamp_round(q, lows[v], highs[v]);
      const f32x16 difference = weight - scale[v] * q;
      const f32x16 weighted = importance * q;
      error[v] += importance * (difference * difference);
      numerator[v] += weighted * weight;
      denominator[v] += weighted * q;
    }
  }
  for (int v = 0; v < k_vectors; ++v) {
    store(out.error + v * k_lanes, error[v]);
    store(out.numerator + v * k_lanes, numerator[v]);
    store(out.denominator + v * k_lanes, denominator[v]);
  }
}

struct range {
  float low = 0, high = 0;  // of the weights
};

range range_of(const float *w, int64_t stride, int64_t n) {
  range r{w[0], w[0]};
  for (int64_t j = 1; j < n; ++j) {
    r.low = std::min(r.low, w[j * stride]);
    r.high = std::max(r.high, w[j * stride]);
  }
  return r;
}

// Full range (methods.md 3.0): the signed extreme maps to -2^(bits-1), so the scale may be
// negative.
group_grid symmetric_grid(const range &r, double factor, bool other_sign, const grid_options &o) {
  const float extreme = -r.low >= r.high ? r.low : r.high;
  const double scale = -static_cast<double>(extreme) / (1 << (o.bits - 1)) * factor;
  return {static_cast<float>(other_sign ? -scale : scale), 0.0f, false, false};
}

group_grid stored(group_grid grid, const grid_options &o) {
  grid.overflowed = overflows(o.stored, grid.scale);
  grid.scale = round_to(o.stored, grid.scale);
  const float least = smallest_normal(o.stored);
  if (std::fabs(grid.scale) < least) {
    grid.scale = std::copysign(least, grid.scale);
    grid.clamped = true;
  }
  return grid;
}

// Zero always inside the range; the zero point is an integer of the grid, fitted to the scale as it
// is stored.
group_grid asymmetric_grid(const range &r, double factor, const grid_options &o) {
  const double low = std::min(r.low, 0.0f) * factor, high = std::max(r.high, 0.0f) * factor;
  group_grid grid = stored({static_cast<float>((high - low) / o.high()), 0.0f, false, false}, o);
  grid.zero = std::clamp(std::nearbyintf(static_cast<float>(-low) / grid.scale), 0.0f, o.high());
  return grid;
}

group_grid candidate(const range &r, int index, const grid_options &o) {
  const int factors = k_candidates / 2;
  const int step = index % factors;
  const bool second = index >= factors;
  // The last factor of each half is exactly 1: plain rounding is always among the candidates.
  const double factor = step == factors - 1 ? 1.0
                                            : k_first_factor + (k_last_factor - k_first_factor) *
                                                                   step / (factors - 2);
  if (o.symmetric) return stored(symmetric_grid(r, factor, second, o), o);
  // Asymmetric: the second half shrinks less, where the first is coarse.
  return asymmetric_grid(r, second ? 0.5 * (1.0 + factor) : factor, o);
}

}  // namespace

group_grid fit_group(const float *w, int64_t stride, const float *m, int64_t n,
                     const grid_options &o) {
  const range r = range_of(w, stride, n);
  if (r.low == 0.0f && r.high == 0.0f) return {1.0f, 0.0f, false, false};  // nothing to hold
  const group_grid plain =
      o.symmetric ? stored(symmetric_grid(r, 1.0, false, o), o) : asymmetric_grid(r, 1.0, o);
  if (o.search == grid_search::minmax || plain.clamped || plain.overflowed) return plain;
  const float *importance = o.search == grid_search::weighted ? m : nullptr;
  candidates tried;
  for (int i = 0; i < k_candidates; ++i) {
    const group_grid c = candidate(r, i, o);
    tried.scale[i] = c.scale;
    tried.zero[i] = c.zero;
  }
  outcome first, second;
  evaluate(w, stride, importance, n, o.low(), o.high(), tried, first);
  candidates refitted = tried;
  for (int i = 0; i < k_candidates; ++i)
    if (first.denominator[i] > 0)
      refitted.scale[i] =
          stored({first.numerator[i] / first.denominator[i], tried.zero[i], false, false}, o).scale;
  evaluate(w, stride, importance, n, o.low(), o.high(), refitted, second);
  group_grid best = plain;
  float least = first.error[k_candidates / 2 - 1];
  for (int i = 0; i < k_candidates; ++i) {
    if (first.error[i] < least)
      least = first.error[i], best = {tried.scale[i], tried.zero[i], false, false};
    if (second.error[i] < least)
      least = second.error[i], best = {refitted.scale[i], refitted.zero[i], false, false};
  }
  return best;
}

}  // namespace hessian
