// Fits the grid of a group of weights. The search has 48 candidates. For symmetric grids these are 24
// factors on the scale of the full range (23 from scale_from to scale_to, and exactly 1), each with both
// signs. For asymmetric grids `candidate` has the factors. A second pass keeps the codes of each
// candidate and refits its scale to them by least squares. Each lane of the vectors holds one candidate.
// So no sum crosses lanes, and a group may have any length.
#include "grid.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"

namespace hessian {
namespace {

constexpr int k_vectors = 3;
constexpr int k_candidates = k_vectors * static_cast<int>(k_lanes);  // 48

// Grids to try, and what `evaluate` finds out about each of them.
struct candidates {
  alignas(64) float scale[k_candidates], zero[k_candidates];
};
struct outcome {
  alignas(64) float error[k_candidates], numerator[k_candidates], denominator[k_candidates];
};

// Computes for each candidate error = sum m (w - s (q - z))^2, and the numerator and denominator of
// the least-squares scale s = sum m w (q - z) / sum m (q - z)^2. w: n weights, `stride` floats apart.
// m: n importances, or null for 1.
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

using assay_grid::weight_range;

// Returns the grid whose scale is `ideal`, rounded to the stored dtype.
group_grid stored(float ideal, float zero, const grid_options &o) {
  const auto scale = assay_grid::store(o.stored, ideal);
  return {scale.value, zero, scale.clamped};
}

group_grid symmetric_grid(const weight_range &r, double factor, bool other_sign,
                          const grid_options &o) {
  const double scale =
      assay_grid::symmetric_scale<double>(r.low, r.high, o.bits) * (other_sign ? -factor : factor);
  return stored(static_cast<float>(scale), 0.0f, o);
}

// The zero point is a whole number, computed from the scale after its rounding to the stored dtype.
group_grid asymmetric_grid(const weight_range &r, double factor, const grid_options &o) {
  const double low = r.low * factor, high = r.high * factor;
  group_grid grid =
      stored(static_cast<float>(assay_grid::asymmetric_scale(low, high, o.bits)), 0.0f, o);
  grid.zero = assay_grid::zero_point(static_cast<float>(low), grid.scale, o.bits);
  return grid;
}

// The grid of candidate `index`, 0 .. 47. r: the range of the group.
group_grid candidate(const weight_range &r, int index, const grid_options &o) {
  const int factors = k_candidates / 2;
  const int step = index % factors;
  const bool second = index >= factors;
  // The last factor of each half is exactly 1, so the plain grid is always among the candidates.
  const double from = o.least_factor();
  const double factor =
      step == factors - 1 ? 1.0 : from + (o.scale_to - from) * step / (factors - 2);
  if (o.symmetric) return symmetric_grid(r, factor, second, o);
  // Asymmetric grids have no sign to change, so their second half has finer factors around 1.
  return asymmetric_grid(r, second ? 0.5 * (1.0 + factor) : factor, o);
}

}  // namespace

group_grid fit_group(const float *w, int64_t stride, const float *m, int64_t n,
                     const grid_options &o) {
  const weight_range r = assay_grid::range_of(w, n, stride).with_zero();
  if (r.all_zero()) return {1.0f, 0.0f, false};  // any scale is exact
  const group_grid plain =
      o.symmetric ? symmetric_grid(r, 1.0, false, o) : asymmetric_grid(r, 1.0, o);
  // True if the plain scale was too small for the dtype and became the smallest normal number. Nearly
  // all candidates would become the same number, so a search has nothing to choose from.
  const bool raised =
      plain.clamped && std::fabs(plain.scale) <= assay_grid::smallest_normal(o.stored);
  if (o.search == grid_search::minmax || raised) return plain;
  const float *importance = o.search == grid_search::weighted ? m : nullptr;
  group_grid fitted[k_candidates], refitted[k_candidates];
  candidates tried;
  for (int i = 0; i < k_candidates; ++i) {
    fitted[i] = refitted[i] = candidate(r, i, o);
    tried.scale[i] = fitted[i].scale;
    tried.zero[i] = fitted[i].zero;
  }
  outcome first, second;
  evaluate(w, stride, importance, n, o.low(), o.high(), tried, first);
  for (int i = 0; i < k_candidates; ++i) {
    if (first.denominator[i] > 0)
      refitted[i] = stored(first.numerator[i] / first.denominator[i], fitted[i].zero, o);
    tried.scale[i] = refitted[i].scale;
  }
  evaluate(w, stride, importance, n, o.low(), o.high(), tried, second);
  group_grid best = plain;
  float least = first.error[k_candidates / 2 - 1];
  for (int i = 0; i < k_candidates; ++i) {
    if (first.error[i] < least) least = first.error[i], best = fitted[i];
    if (second.error[i] < least) least = second.error[i], best = refitted[i];
  }
  return best;
}

}  // namespace hessian
