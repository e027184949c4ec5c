// Searches a block with a small sum of m (w - w^)^2, where m is the mean square of each column's input.
// Sixteen candidates are tried at a time, one in each lane of a vector.
//
//   1. for each group alone, the best scale (and minimum) by least squares, from many ranges
//   2. the block's factors, so that small integers times these come near to all groups' scales
//   3. with the factors as they are stored: the best steps of each group, by their exact error
//   4. with steps and codes fixed: the factors by least squares; again from 3
//
// The ranges of step 1 go from the full range of a group to both sides, as far as the caller says: small
// factors clip large weights, which lowers this sum, but may raise perplexity.
#include <algorithm>
#include <cmath>

#include "../simd.hpp"
#include "fit.hpp"

namespace hessian {
namespace {

constexpr int k_rounds = 3;  // of steps 3 and 4

// Replaces each x by the value of the code nearest to it.
HESSIAN_INLINE void nearest_value(f32x16 &x, const block_type &type) {
  if (!type.fixed) {
    clamp_round(x, f32x16{} + static_cast<float>(type.lowest),
                f32x16{} + static_cast<float>(type.highest()));
    return;
  }
  f32x16 value = f32x16{} + k_fixed_values[0];
  for (int k = 1; k < 16; ++k)
    value =
        x + x >= k_fixed_values[k - 1] + k_fixed_values[k] ? f32x16{} + k_fixed_values[k] : value;
  x = value;
}

// Lanes first, first + 1, ...
HESSIAN_INLINE void count_up(f32x16 &out, float first) {
  for (int i = 0; i < k_lanes; ++i) out[i] = first + static_cast<float>(i);
}

int lane_of_least(const float *errors, int n) {
  return static_cast<int>(std::min_element(errors, errors + n) - errors);
}

// The best factors of one group alone.
struct group_fit {
  float scale = 0, minimum = 0;
  float scale_weight = 0, minimum_weight = 0;  // how fast the error grows with a change of each
};

// ---- step 1 ----

// Factor k of n that are evenly spaced in the range.
float factor_at(const scale_range &range, int k, int n) {
  return range.from + (range.to - range.from) * static_cast<float>(k) / static_cast<float>(n - 1);
}

// Writes for 16 inverse scales the sums of m w v and m v^2, where v is the value nearest to w / scale.
HESSIAN_CLONES
void symmetric_sums(const block_type &type, const float *w, const float *m, const float *inverses,
                    float *wv_out, float *vv_out) {
  f32x16 inverse, wv = {}, vv = {};
  load(inverse, inverses);
  for (int i = 0; i < type.group; ++i) {
    f32x16 v = inverse * w[i];
    nearest_value(v, type);
    wv += (m[i] * w[i]) * v;
    vv += m[i] * (v * v);
  }
  store(wv_out, wv);
  store(vv_out, vv);
}

group_fit fit_symmetric_group(const block_type &type, const scale_range &range, const float *w,
                              const float *m) {
  constexpr int k_candidates = 48;
  float largest = 0, extreme = 0;
  for (int i = 0; i < type.group; ++i)
    if (std::fabs(w[i]) > largest) largest = std::fabs(w[i]), extreme = w[i];
  if (largest < 1e-30f) return {};
  // Half of the candidates give the extreme weight the lowest value, half the highest.
  const float low = value_of(type, type.lowest), high = value_of(type, type.highest());
  float inverses[k_candidates], wv[k_candidates], vv[k_candidates];
  for (int k = 0; k < k_candidates; ++k)
    inverses[k] = (k % 2 == 0 ? low : high) / (extreme * factor_at(range, k / 2, 24));
  for (int k = 0; k < k_candidates; k += k_lanes)
    symmetric_sums(type, w, m, inverses + k, wv + k, vv + k);
  group_fit best;
  float most = -1;
  for (int k = 0; k < k_candidates; ++k) {
    if (!(vv[k] > 0) || wv[k] / vv[k] * wv[k] <= most) continue;
    most = wv[k] / vv[k] * wv[k];
    best = {wv[k] / vv[k], 0, vv[k], 0};
  }
  return best;
}

// Writes for 16 inverse scales the sums of m q, m q^2 and m q w, where q is the code of w - low.
HESSIAN_CLONES
void affine_sums(const block_type &type, const float *w, const float *m, float low,
                 const float *inverses, float *q1_out, float *q2_out, float *qw_out) {
  f32x16 inverse, q1 = {}, q2 = {}, qw = {};
  load(inverse, inverses);
  for (int i = 0; i < type.group; ++i) {
    f32x16 q = inverse * (w[i] - low);
    nearest_value(q, type);
    q1 += m[i] * q;
    q2 += m[i] * (q * q);
    qw += (m[i] * w[i]) * q;
  }
  store(q1_out, q1);
  store(q2_out, q2);
  store(qw_out, qw);
}

// Types without steps store the sign of the minimum, so it may lie on both sides of 0.
group_fit fit_affine_group(const block_type &type, const scale_range &range, const float *w,
                           const float *m) {
  constexpr int k_candidates = 48;
  const bool any_sign = type.step_bits == 0;
  float low = w[0], high = w[0];
  double sum_m = 0, sum_w = 0;
  for (int i = 0; i < type.group; ++i) {
    low = std::min(low, w[i]);
    high = std::max(high, w[i]);
    sum_m += m[i];
    sum_w += static_cast<double>(m[i]) * w[i];
  }
  if (!any_sign) low = std::min(low, 0.0f);
  if (high - low < 1e-30f) return {0, -low, 0, static_cast<float>(sum_m)};
  const auto n = static_cast<float>(type.highest());
  float inverses[k_candidates], q1[k_candidates], q2[k_candidates], qw[k_candidates];
  for (int k = 0; k < k_candidates; ++k)
    inverses[k] = n / ((high - low) * factor_at(range, k, k_candidates));
  for (int k = 0; k < k_candidates; k += k_lanes)
    affine_sums(type, w, m, low, inverses + k, q1 + k, q2 + k, qw + k);
  // The full range is the start, so that there is a result also where no sums can be solved.
  group_fit best{(high - low) / n, -low, 0, static_cast<float>(sum_m)};
  double least = 0;
  bool found = false;
  for (int k = 0; k < k_candidates; ++k) {
    const double d = sum_m * q2[k] - static_cast<double>(q1[k]) * q1[k];
    if (!(d > 0)) continue;
    double scale = (sum_m * qw[k] - sum_w * q1[k]) / d;
    double minimum = (static_cast<double>(q1[k]) * qw[k] - q2[k] * sum_w) / d;
    if (minimum < 0 && !any_sign) minimum = 0, scale = q2[k] > 0 ? qw[k] / q2[k] : 0;
    // the sum of m (w - w^)^2, without the sum of m w^2
    const double error = scale * scale * q2[k] + minimum * minimum * sum_m -
                         2 * scale * minimum * q1[k] - 2 * scale * qw[k] + 2 * minimum * sum_w;
    if (found && !(error < least)) continue;
    found = true;
    least = error;
    best.scale = static_cast<float>(scale);
    best.minimum = static_cast<float>(minimum);
    best.scale_weight = q2[k];
  }
  return best;
}

group_fit fit_group_alone(const block_type &type, const scale_range &range, const float *w,
                          const float *m) {
  return type.minimum ? fit_affine_group(type, range, w, m)
                      : fit_symmetric_group(type, range, w, m);
}

// ---- step 2 ----

// Returns the factor d for which the sum of p (x - d l)^2 is small, where each l is the best step for
// its x. x, p: [n], n <= 16.
float factor_of(const float *x, const float *p, int n, int lowest, int highest) {
  float extreme = 0;
  for (int j = 0; j < n; ++j)
    if (std::fabs(x[j]) > std::fabs(extreme)) extreme = x[j];
  if (std::fabs(extreme) < 1e-30f) return 0.0f;
  constexpr int k_candidates = 64;
  float best = 0;
  double most = -1;
  for (int k = 0; k < k_candidates; ++k) {
    const int pair = k / 2;
    const float shift = (static_cast<float>(pair) - 15.0f) * 0.1f;
    const bool down = lowest < 0 && k % 2 == 0;
    const float inverse =
        (down ? static_cast<float>(lowest) - shift : static_cast<float>(highest) + shift) / extreme;
    double xl = 0, ll = 0;
    for (int j = 0; j < n; ++j) {
      const double l = std::clamp(assay_grid::round_even(inverse * x[j]),
                                  static_cast<float>(lowest), static_cast<float>(highest));
      xl += p[j] * x[j] * l;
      ll += p[j] * l * l;
    }
    if (!(ll > 0) || xl / ll * xl <= most) continue;
    most = xl / ll * xl;
    best = static_cast<float>(xl / ll);
  }
  return best;
}

// ---- step 3 ----

// Writes the error of a group for 16 pairs of scale and minimum.
HESSIAN_CLONES
void errors_of(const block_type &type, const float *w, const float *m, const float *scales,
               const float *minima, float *errors) {
  f32x16 scale, minimum, sum = {};
  load(scale, scales);
  load(minimum, minima);
  const f32x16 inverse = scale == 0.0f ? f32x16{} : 1.0f / scale;
  for (int i = 0; i < type.group; ++i) {
    f32x16 v = (w[i] + minimum) * inverse;
    nearest_value(v, type);
    const f32x16 e = (scale * v - minimum) - w[i];
    sum += m[i] * (e * e);
  }
  store(errors, sum);
}

// Tries the steps around those in `out` and keeps the best pair.
void choose_steps(const block_type &type, int g, const float *w, const float *m, block &out) {
  const float whole = assay_grid::from_float16(out.scale),
              whole_minimum = assay_grid::from_float16(out.minimum);
  float scales[k_lanes], minima[k_lanes], errors[k_lanes];
  int16_t steps[k_lanes], minimum_steps[k_lanes];
  for (int lane = 0; lane < k_lanes; ++lane) {  // lane 0: the present steps
    const int by = type.minimum ? (lane % 5 + 2) % 5 - 2 : (lane + 1) / 2 * (lane % 2 ? 1 : -1),
              minimum_by = type.minimum && lane < 15 ? (lane / 5 + 1) % 3 - 1 : 0;
    steps[lane] =
        static_cast<int16_t>(std::clamp(out.steps[g] + by, type.lowest_step, type.highest_step()));
    minimum_steps[lane] =
        static_cast<int16_t>(std::clamp(out.minimum_steps[g] + minimum_by, 0, type.highest_step()));
    scales[lane] = whole * static_cast<float>(steps[lane]);
    minima[lane] = type.minimum ? whole_minimum * static_cast<float>(minimum_steps[lane]) : 0.0f;
  }
  errors_of(type, w, m, scales, minima, errors);
  const int best = lane_of_least(errors, k_lanes);
  out.steps[g] = steps[best];
  out.minimum_steps[g] = minimum_steps[best];
}

void choose_codes(const block_type &type, int g, const float *w, block &out) {
  const float scale = out.scale_of(type, g), minimum = out.minimum_of(type, g);
  for (int i = 0; i < type.group; ++i)
    out.codes[g * type.group + i] = static_cast<int16_t>(code_of(type, w[i], scale, minimum));
}

// The steps nearest to the fit of the group.
void nearest_steps(const block_type &type, int g, const group_fit &fit, block &out) {
  const auto step = [](float x, float factor, int lowest, int highest) {
    if (factor == 0) return int16_t{0};
    return static_cast<int16_t>(assay_grid::round_even(
        std::clamp(x / factor, static_cast<float>(lowest), static_cast<float>(highest))));
  };
  out.steps[g] =
      step(fit.scale, assay_grid::from_float16(out.scale), type.lowest_step, type.highest_step());
  out.minimum_steps[g] =
      step(fit.minimum, assay_grid::from_float16(out.minimum), 0, type.highest_step());
}

void choose_all(const block_type &type, const float *w, const float *m, block &out) {
  for (int g = 0; g < type.groups(); ++g) {
    const int first = g * type.group;
    if (type.step_bits > 0) choose_steps(type, g, w + first, m + first, out);
    choose_codes(type, g, w + first, out);
  }
}

// ---- step 4 ----

// The factors by least squares: w^ = scale a - minimum b with a = step value(code), b = minimum_step.
void refit_factors(const block_type &type, const float *w, const float *m, block &out) {
  double aa = 0, ab = 0, bb = 0, aw = 0, bw = 0;
  for (int g = 0; g < type.groups(); ++g) {
    const double step = type.step_bits > 0 ? out.steps[g] : 1, b = !type.minimum ? 0
                                                                   : type.step_bits > 0
                                                                       ? out.minimum_steps[g]
                                                                       : 1;
    for (int i = g * type.group; i < (g + 1) * type.group; ++i) {
      const double a = step * value_of(type, out.codes[i]), p = m[i];
      aa += p * a * a;
      ab += p * a * b;
      bb += p * b * b;
      aw += p * a * w[i];
      bw += p * b * w[i];
    }
  }
  const double d = aa * bb - ab * ab;
  if (bb > 0 && d > 1e-9 * aa * bb) {
    out.set_scale(static_cast<float>((aw * bb - ab * bw) / d));
    const double stored =
        assay_grid::from_float16(out.scale);  // rounded, so the minimum follows it
    out.set_minimum(static_cast<float>((stored * ab - bw) / bb));
  } else if (aa > 0) {
    const double minimum = type.minimum ? assay_grid::from_float16(out.minimum) : 0;
    out.set_scale(static_cast<float>((aw + minimum * ab) / aa));
  }
}

// Importances with which every group can be fitted: where all are 0, each weight counts the same.
void usable_importances(const block_type &type, const float *m, float *out) {
  for (int g = 0; g < type.groups(); ++g) {
    const int first = g * type.group;
    const float most = *std::max_element(m + first, m + first + type.group);
    for (int i = first; i < first + type.group; ++i) out[i] = most > 0 ? m[i] : 1.0f;
  }
}

}  // namespace

HESSIAN_CLONES
void fixed_values(const block_type &type, const float *w, int n, float inverse, float *values) {
  for (int i = 0; i < n; i += k_lanes) {
    f32x16 x;
    load(x, w + i);
    x *= inverse;
    nearest_value(x, type);
    store(values + i, x);
  }
}

void fit_by_importance(const block_type &type, const scale_range &range, const float *w,
                       const float *given, block &out) {
  float m[k_most_columns], scales[k_most_groups], minima[k_most_groups];
  float scale_weights[k_most_groups], minimum_weights[k_most_groups];
  usable_importances(type, given, m);
  group_fit groups[k_most_groups];
  for (int g = 0; g < type.groups(); ++g) {
    groups[g] = fit_group_alone(type, range, w + g * type.group, m + g * type.group);
    scales[g] = groups[g].scale, scale_weights[g] = groups[g].scale_weight;
    minima[g] = groups[g].minimum, minimum_weights[g] = groups[g].minimum_weight;
  }
  block now;
  if (type.step_bits > 0) {
    now.set_scale(
        factor_of(scales, scale_weights, type.groups(), type.lowest_step, type.highest_step()));
    if (type.minimum)
      now.set_minimum(factor_of(minima, minimum_weights, type.groups(), 0, type.highest_step()));
    for (int g = 0; g < type.groups(); ++g) nearest_steps(type, g, groups[g], now);
  } else {
    now.set_scale(scales[0]);
    if (type.minimum) now.set_minimum(minima[0]);
  }
  choose_all(type, w, m, now);
  fit_as_reference(type, w, out);
  double least = weighted_error(type, w, m, out);
  for (int round = 0;; ++round) {
    const double error = weighted_error(type, w, m, now);
    if (error < least)
      least = error, out = now;
    else if (round > 0)
      break;
    if (round == k_rounds) break;
    refit_factors(type, w, m, now);
    choose_all(type, w, m, now);
  }
}

void fit_steps(const block_type &type, const scale_range &range, int group, const float *w,
               const float *given, block &out) {
  if (type.step_bits == 0) return;
  float m[k_most_columns];
  const float most = *std::max_element(given, given + type.group);
  for (int i = 0; i < type.group; ++i) m[i] = most > 0 ? given[i] : 1.0f;
  nearest_steps(type, group, fit_group_alone(type, range, w, m), out);
  choose_steps(type, group, w, m, out);
}

}  // namespace hessian
