// The search of llama-quantize without an importance matrix, bit for bit: sums are in fp32 and in the
// order of the columns, because the order decides ties between candidates. Source of the formulas:
// ggml-org/ggml, src/ggml-quants.c (quantize_row_*_ref, make_qx_quants, make_q3_quants,
// make_qkx2_quants). Codes are counted from 0 here, as they are stored.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "fit.hpp"

namespace hessian {
namespace {

constexpr float k_zero_group = 1e-15f;  // a group below this magnitude has scale 0

// Returns x without its fraction. If the inverse of a subnormal scale is infinite, so may x be; then, and if x is not a number, the
// result is `otherwise`: what the conversion gives on x86 (C leaves it undefined).
int whole_of(float x, int otherwise) {
  return std::fabs(x) < 2147483648.0f ? static_cast<int>(x) : otherwise;
}

int nearest(float x) {
  return whole_of(assay_grid::round_even(x), std::numeric_limits<int>::min());
}

// The weight of largest magnitude, the first of several, with its sign.
float extreme_of(const float *w, int n) {
  float largest = 0, extreme = 0;
  for (int i = 0; i < n; ++i)
    if (std::fabs(w[i]) > largest) largest = std::fabs(w[i]), extreme = w[i];
  return extreme;
}

// Sums of a candidate: with codes q and weights p = w^2, the best scale is wq / qq.
struct product_sums {
  float wq = 0, qq = 0;
  void add(float p, float w, float q) {
    wq += p * w * q;
    qq += p * q * q;
  }
};

// Codes -n .. n - 1. Tries 19 scales from the extreme weight, each refitted.
float symmetric_scale(const float *w, int count, int n, int *codes) {
  const float extreme = extreme_of(w, count);
  std::fill_n(codes, count, 0);
  if (std::fabs(extreme) < k_zero_group) return 0.0f;
  const auto code = [&](float inverse, int i) {
    return std::clamp(nearest(inverse * w[i]), -n, n - 1);
  };
  float scale = 0, best = 0;
  for (int turn = 0; turn < 19; ++turn) {
    const int shift = turn == 0 ? 0 : turn <= 9 ? turn - 10 : turn - 9;  // 0, then -9 .. -1, 1 .. 9
    const float inverse = -(static_cast<float>(n) + 0.1f * static_cast<float>(shift)) / extreme;
    product_sums sums;
    for (int i = 0; i < count; ++i)
      sums.add(w[i] * w[i], w[i], static_cast<float>(code(inverse, i)));
    if (turn > 0 && !(sums.qq > 0 && sums.wq * sums.wq > best * sums.qq)) continue;
    for (int i = 0; i < count; ++i) codes[i] = n + code(inverse, i);
    scale = turn > 0 || sums.qq != 0 ? sums.wq / sums.qq : 0.0f;
    best = scale * sums.wq;
  }
  return scale;
}

// Q3_K: from the codes of the full range, single codes move while that brings the fit up.
float descended_scale(const float *w, int count, int n, int *codes) {
  const float extreme = extreme_of(w, count);
  std::fill_n(codes, count, 0);
  if (std::fabs(extreme) < k_zero_group) return 0.0f;
  const float inverse = -static_cast<float>(n) / extreme;
  product_sums sums;
  for (int i = 0; i < count; ++i) {
    codes[i] = std::clamp(nearest(inverse * w[i]), -n, n - 1);
    sums.add(w[i] * w[i], w[i], static_cast<float>(codes[i]));
  }
  for (int pass = 0; pass < 5; ++pass) {
    bool changed = false;
    for (int i = 0; i < count; ++i) {
      const float p = w[i] * w[i], old = static_cast<float>(codes[i]);
      product_sums without{sums.wq - p * w[i] * old, sums.qq - p * old * old};
      if (!(without.wq > 0)) continue;
      const int code = std::clamp(nearest(w[i] * without.qq / without.wq), -n, n - 1);
      if (code == codes[i]) continue;
      without.add(p, w[i], static_cast<float>(code));
      if (!(without.qq > 0 && without.wq * without.wq * sums.qq > sums.wq * sums.wq * without.qq))
        continue;
      codes[i] = code;
      sums = without;
      changed = true;
    }
    if (!changed) break;
  }
  for (int i = 0; i < count; ++i) codes[i] += n;
  return sums.qq > 0 ? sums.wq / sums.qq : 0.0f;
}

// How one type searches scale and minimum: factors (n + from + 0.1 k) / range for k = 0 .. last.
struct range_search {
  int n;  // the highest code
  float from;
  int last;
  bool absolute;  // the error is the absolute difference, not its square
};

struct scale_and_minimum {
  float scale = 0, minimum = 0;  // the minimum is stored with its sign turned
};

// Codes 0 .. n. p: importance of each weight.
scale_and_minimum affine_scale(const float *w, const float *p, int count, const range_search &how,
                               int *codes) {
  float low = w[0], high = w[0], sum_p = p[0], sum_w = p[0] * w[0];
  for (int i = 1; i < count; ++i) {
    low = std::min(low, w[i]);
    high = std::max(high, w[i]);
    sum_p += p[i];
    sum_w += p[i] * w[i];
  }
  if (low > 0) low = 0;
  std::fill_n(codes, count, 0);
  if (high == low) return {0.0f, -low};
  const auto n = static_cast<float>(how.n);
  const auto code = [&](float inverse, int i) {
    return std::clamp(nearest(inverse * (w[i] - low)), 0, how.n);
  };
  const auto error = [&](const int *q, float scale, float min) {
    float sum = 0;
    for (int i = 0; i < count; ++i) {
      const float difference = scale * static_cast<float>(q[i]) + min - w[i];
      sum += p[i] * (how.absolute ? std::fabs(difference) : difference * difference);
    }
    return sum;
  };
  float inverse = n / (high - low), scale = 1 / inverse, least = 0;
  for (int i = 0; i < count; ++i) codes[i] = code(inverse, i);
  least = error(codes, scale, low);
  int tried[k_most_columns];
  for (int k = 0; k <= how.last; ++k) {  // from the best minimum so far
    inverse = (how.from + 0.1f * static_cast<float>(k) + n) / (high - low);
    float q1 = 0, q2 = 0, qw = 0;
    for (int i = 0; i < count; ++i) {
      tried[i] = code(inverse, i);
      const auto q = static_cast<float>(tried[i]);
      q1 += p[i] * q;
      q2 += p[i] * q * q;
      qw += p[i] * q * w[i];
    }
    const float d = sum_p * q2 - q1 * q1;
    if (!(d > 0)) continue;
    float new_scale = (sum_p * qw - sum_w * q1) / d, new_low = (q2 * sum_w - q1 * qw) / d;
    if (new_low > 0) new_low = 0, new_scale = qw / q2;
    const float now = error(tried, new_scale, new_low);
    if (!(now < least)) continue;
    std::copy_n(tried, count, codes);
    least = now, scale = new_scale, low = new_low;
  }
  return {scale, -low};
}

// Codes of all groups again, with the factors as they are stored. Where a factor is 0 the codes of
// the search stay.
void codes_again(const block_type &type, const float *w, const int *searched, block &out) {
  for (int g = 0; g < type.groups(); ++g) {
    const float scale = out.scale_of(type, g), minimum = out.minimum_of(type, g);
    for (int i = g * type.group; i < (g + 1) * type.group; ++i)
      out.codes[i] = static_cast<int16_t>(scale == 0 ? searched[i] + type.lowest
                                                     : code_of(type, w[i], scale, minimum));
  }
}

void fit_affine_steps(const block_type &type, const float *w, block &out) {
  const range_search how = type.bits == 2   ? range_search{3, -0.5f, 15, true}
                           : type.bits == 4 ? range_search{15, -1.0f, 20, false}
                                            : range_search{31, -0.5f, 15, false};
  int searched[k_most_columns];
  float p[32], most_scale = 0, most_minimum = 0;
  scale_and_minimum groups[k_most_groups];
  for (int g = 0; g < type.groups(); ++g) {
    const float *x = w + g * type.group;
    float square = 0, base = 0;
    for (int i = 0; i < type.group; ++i) square += x[i] * x[i];
    if (type.bits > 2) base = std::sqrt(square / static_cast<float>(type.group));
    for (int i = 0; i < type.group; ++i) p[i] = base + std::fabs(x[i]);
    groups[g] = affine_scale(x, p, type.group, how, searched + g * type.group);
    most_scale = std::max(most_scale, groups[g].scale);
    most_minimum = std::max(most_minimum, groups[g].minimum);
  }
  const auto most_step = static_cast<float>(type.highest_step());
  const float by_scale = most_scale > 0 ? most_step / most_scale : 0.0f,
              by_minimum = most_minimum > 0 ? most_step / most_minimum : 0.0f;
  const auto step = [&](float by, float x) {
    return static_cast<int16_t>(std::clamp(nearest(by * x), 0, type.highest_step()));
  };
  for (int g = 0; g < type.groups(); ++g) {
    out.steps[g] = step(by_scale, groups[g].scale);
    out.minimum_steps[g] = step(by_minimum, groups[g].minimum);
  }
  out.set_scale(most_scale / most_step);
  out.set_minimum(most_minimum / most_step);
  codes_again(type, w, searched, out);
}

void fit_symmetric_steps(const block_type &type, const float *w, block &out) {
  const bool three = type.bits == 3;
  int searched[k_most_columns];
  float scales[k_most_groups];
  for (int g = 0; g < type.groups(); ++g) {
    const float *x = w + g * type.group;
    int *codes = searched + g * type.group;
    scales[g] = three ? descended_scale(x, type.group, 4, codes)
                      : symmetric_scale(x, type.group, 32, codes);
  }
  const float most = extreme_of(scales, type.groups());
  if (three ? most == 0 : std::fabs(most) < k_zero_group) {  // stored as zero bytes
    for (int g = 0; g < type.groups(); ++g)
      out.steps[g] = static_cast<int16_t>(three ? type.lowest_step : 0);
    out.set_scale(0);
    for (int i = 0; i < type.columns; ++i) out.codes[i] = static_cast<int16_t>(type.lowest);
    return;
  }
  const float inverse = static_cast<float>(type.lowest_step) / most;
  for (int g = 0; g < type.groups(); ++g)
    out.steps[g] = static_cast<int16_t>(
        std::clamp(nearest(inverse * scales[g]), type.lowest_step, type.highest_step()));
  out.set_scale(1 / inverse);
  codes_again(type, w, searched, out);
}

// IQ4_NL and IQ4_XS: 16 scales from the extreme weight for each group of 32, weighted with w^2.
float fixed_scale(const block_type &type, const float *w) {
  const int count = type.group;
  const float extreme = extreme_of(w, count);
  if (std::fabs(extreme) < k_zero_group) return 0.0f;
  float scale = 0, best = 0;
  for (int turn = 0; turn < 16; ++turn) {
    const float inverse = turn == 0 ? 1 / (-extreme / k_fixed_values[0])
                                    : (static_cast<float>(turn - 8) + k_fixed_values[0]) / extreme;
    product_sums sums;
    float values[k_most_columns];
    fixed_values(type, w, count, inverse, values);
    for (int i = 0; i < count; ++i) {
      const float p = w[i] * w[i];
      sums.wq += p * values[i] * w[i];
      sums.qq += p * values[i] * values[i];
    }
    if (turn == 0) {
      scale = sums.qq > 0 ? sums.wq / sums.qq : 0.0f;
    } else if (sums.qq > 0 && sums.wq * sums.wq > best * sums.qq) {
      scale = sums.wq / sums.qq;
    } else {
      continue;
    }
    best = scale * sums.wq;
  }
  return scale;
}

void fit_fixed(const block_type &type, const float *w, block &out) {
  float scales[k_most_groups], whole = 0;
  for (int g = 0; g < type.groups(); ++g) scales[g] = fixed_scale(type, w + g * type.group);
  if (type.step_bits > 0) {
    whole = -extreme_of(scales, type.groups()) / 32;
    out.set_scale(whole);
  } else {
    out.set_scale(scales[0]);
  }
  const float inverse = whole != 0 ? 1 / whole : 0.0f;
  for (int g = 0; g < type.groups(); ++g) {
    float scale = scales[g];  // codes are chosen with the scale before it is rounded to float16
    if (type.step_bits > 0) {
      const int step = std::clamp(nearest(inverse * scales[g]), -32, 31);
      out.steps[g] = static_cast<int16_t>(step);
      scale = whole * static_cast<float>(step);
    }
    const float by = scale != 0 ? 1 / scale : 0.0f;
    for (int i = g * type.group; i < (g + 1) * type.group; ++i)
      out.codes[i] = static_cast<int16_t>(nearest_fixed(by * w[i]));
  }
}

// Q4_0, Q5_0, Q8_0: the scale of the range, with no search.
void fit_symmetric_range(const block_type &type, const float *w, block &out) {
  const float extreme = extreme_of(w, type.columns);
  const float scale =
      type.bits == 8 ? std::fabs(extreme) / 127 : extreme / static_cast<float>(type.lowest);
  const float by = scale != 0 ? 1 / scale : 0.0f;
  out.set_scale(scale);
  for (int i = 0; i < type.columns; ++i) {
    const float x = w[i] * by;
    const int code = type.bits == 8
                         ? whole_of(std::round(x), 0)
                         : std::min((1 << type.bits) - 1,
                                    whole_of(x + (0.5f - static_cast<float>(type.lowest)), 0)) +
                               type.lowest;
    out.codes[i] = static_cast<int16_t>(code);
  }
}

// Q4_1, Q5_1: scale and minimum of the range. The file holds the minimum itself, which is added.
void fit_affine_range(const block_type &type, const float *w, block &out) {
  const float low = *std::min_element(w, w + type.columns),
              high = *std::max_element(w, w + type.columns);
  const float scale = (high - low) / static_cast<float>(type.highest());
  const float by = scale != 0 ? 1 / scale : 0.0f;
  out.set_scale(scale);
  out.set_minimum(-low);
  for (int i = 0; i < type.columns; ++i)
    out.codes[i] =
        static_cast<int16_t>(std::min(type.highest(), whole_of((w[i] - low) * by + 0.5f, 0)));
}

}  // namespace

void fit_as_reference(const block_type &type, const float *w, block &out) {
  out = {};
  if (type.fixed)
    fit_fixed(type, w, out);
  else if (type.step_bits > 0)
    type.minimum ? fit_affine_steps(type, w, out) : fit_symmetric_steps(type, w, out);
  else
    type.minimum ? fit_affine_range(type, w, out) : fit_symmetric_range(type, w, out);
}

double weighted_error(const block_type &type, const float *w, const float *m, const block &of) {
  double sum = 0;
  for (int g = 0; g < type.groups(); ++g) {
    const float scale = of.scale_of(type, g), minimum = of.minimum_of(type, g);
    for (int i = g * type.group; i < (g + 1) * type.group; ++i) {
      const double e = static_cast<double>(w[i]) - weight_of(type, of.codes[i], scale, minimum);
      sum += m[i] * e * e;
    }
  }
  return sum;
}

}  // namespace hessian
