// Searches the zero point of each group (hqq: Badri and Shaji, "Half-Quadratic Quantization of Large
// Machine Learning Models", 2023, eqs. 4-6). The range of the group gives the scale, which does not
// change. Let r = w - (dequantized w). The search lowers the sum of |r|^p. As p is at most 1, large
// errors count less than in a sum of squares. Two steps alternate: shrink() gives the part e of each
// error that is left out, and the zero point becomes the mean of code - (w - e) / scale over the group.
#include "hqq.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

namespace data_free {
namespace {

using assay_grid::from_float16;
using assay_grid::scale_dtype;
using assay_grid::to_float16;

// Returns the code of the weight x, which is a whole number from 0 to `top`.
float code_of(float x, float scale, float zero, float top) {
  float code = x / scale + zero;
  code = code < 0 ? 0 : code > top ? top : code;
  return assay_grid::round_even(code);
}

// Returns the part of the error r that the zero point need not correct (eq. 5). It is 0 if |r| is at
// most `threshold`, which solves t = t^(p-1) / beta. So only large errors need the costly power.
float shrink(float r, float beta, float p, float threshold) {
  const float magnitude = std::fabs(r);
  if (magnitude <= threshold) return 0;
  const float kept = magnitude - std::pow(magnitude, p - 1) / beta;
  return kept <= 0 ? 0 : std::copysign(kept, r);
}

// Returns the mean |r| of a group.
double mean_error(const float *w, int64_t n, float scale, float zero, float top) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += std::fabs(double{w[i]} - double{scale * (code_of(w[i], scale, zero, top) - zero)});
  return sum / static_cast<double>(n);
}

}  // namespace

hqq_group fit_hqq(const hqq_options &o, const float *w, int64_t n) {
  const float top = static_cast<float>((1 << o.bits) - 1);
  const auto range = assay_grid::range_of(w, n);
  hqq_group best;
  if (range.all_zero()) return best;
  // Both ends are divided before they are subtracted, because high - low may overflow. In a group of
  // equal weights the range has width 0, so the scale is the magnitude of these weights.
  const float width =
      range.high > range.low ? range.high / top - range.low / top : std::fabs(range.low);
  best.scale = assay_grid::store(scale_dtype::float16, width);
  const float scale = best.scale.value;
  // Zero points are stored as float16; the limits keep one that is too large from becoming Inf.
  const auto stored_zero = [&](float zero) {
    return from_float16(to_float16(std::fmin(std::fmax(zero, -60000.0f), 60000.0f)));
  };
  const float first = -range.low / scale;
  best.zero = stored_zero(o.round_zero ? std::nearbyint(first) : first);
  double best_error = mean_error(w, n, scale, best.zero, top);
  float zero = best.zero, beta = o.beta;
  for (int step = 0; step < o.iterations; ++step, beta *= o.kappa) {
    const float threshold = std::pow(beta, -1.0f / (2.0f - o.p));
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float code = code_of(w[i], scale, zero, top);
      const float kept = shrink(w[i] - scale * (code - zero), beta, o.p, threshold);
      sum += double{code} - (double{w[i]} - double{kept}) / double{scale};
    }
    zero = stored_zero(static_cast<float>(sum / static_cast<double>(n)));
    const double error = mean_error(w, n, scale, zero, top);
    if (!(error < best_error)) break;
    best_error = error;
    best.zero = zero;
  }
  return best;
}

void encode_hqq(const hqq_options &o, const hqq_group &grid, const float *w, int64_t n,
                uint8_t *codes) {
  const float top = static_cast<float>((1 << o.bits) - 1);
  for (int64_t i = 0; i < n; ++i)
    codes[i] = static_cast<uint8_t>(code_of(w[i], grid.scale.value, grid.zero, top));
}

hqq::hqq(assay_cpp::host host) : host_(host) {
  const assay_cpp::config config(host);
  options_.bits = static_cast<int>(config.integer("bits"));
  options_.group_size = config.integer("group_size");
  options_.iterations = static_cast<int>(config.integer("iterations"));
  options_.p = static_cast<float>(config.number("p"));
  options_.beta = static_cast<float>(config.number("beta"));
  options_.kappa = static_cast<float>(config.number("kappa"));
  const std::string start = config.text("first_zero");
  options_.round_zero = start == "whole" || (start == "auto" && options_.bits == 4);
}

void hqq::quantize(const assay_linear &linear, const assay_stats *, assay_cpp::sink sink) {
  const auto w = assay_cpp::matrix_of<const float>(linear.weight, "the weight");
  assay_cpp::require_finite(w);
  const assay_grid::group_cut cut(options_.group_size, w.columns);
  auto codes = host_.alloc(assay_cpp::dtype_of<uint8_t>(), {w.rows, w.columns});
  auto scales = host_.alloc(assay_cpp::k_f16, {w.rows, cut.count});
  auto zeros = host_.alloc(assay_cpp::k_f16, {w.rows, cut.count});
  std::atomic<uint64_t> clamped{0};
  host_.parallel_for(w.rows, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t g = 0; g < cut.count; ++g) {
        const float *x = w.row(row) + cut.first(g);
        const hqq_group grid = fit_hqq(options_, x, cut.length(g));
        encode_hqq(options_, grid, x, cut.length(g),
                   codes.data<uint8_t>() + row * w.columns + cut.first(g));
        scales.data<uint16_t>()[row * cut.count + g] = to_float16(grid.scale.value);
        zeros.data<uint16_t>()[row * cut.count + g] = to_float16(grid.zero);
        clamped += grid.scale.clamped;
      }
    }
  });
  assay_grid::tell_clamped(host_, clamped);
  const auto bits = static_cast<uint32_t>(options_.bits);
  sink.emit("codes", std::move(codes), bits);
  sink.emit("scales", std::move(scales));
  sink.emit("zeros", std::move(zeros));
  sink.note("{\"format\": \"affine/1\", \"bits\": " + std::to_string(bits) +
            ", \"group_size\": " + std::to_string(cut.noted()) + ", \"symmetric\": false}");
}

void hqq::dequantize(const assay_form &form, const assay_tensor &out) {
  const auto codes = assay_cpp::matrix_of<const uint8_t>(assay_cpp::find(form, "codes"), "codes");
  const assay_tensor *scales = assay_cpp::find(form, "scales"),
                     *zeros = assay_cpp::find(form, "zeros");
  if (scales == nullptr || zeros == nullptr)
    throw assay_cpp::failure(ASSAY_INVALID_ARGUMENT, "not a form that hqq made");
  const auto w = assay_cpp::matrix_of<float>(&out, "the output");
  const assay_grid::group_cut cut(options_.group_size, w.columns);
  const auto *s = static_cast<const uint16_t *>(scales->data),
             *z = static_cast<const uint16_t *>(zeros->data);
  host_.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t j = 0; j < w.columns; ++j) {
        const int64_t at = row * cut.count + j / cut.size;
        w.row(row)[j] =
            from_float16(s[at]) * (static_cast<float>(codes.row(row)[j]) - from_float16(z[at]));
      }
  });
}

void hqq::estimate(const assay_linear &linear, assay_estimate &out) {
  const assay_grid::group_cut cut(options_.group_size, linear.in_features);
  out.packed_bits = static_cast<double>(linear.out_features) *
                    (static_cast<double>(linear.in_features) * options_.bits +
                     static_cast<double>(cut.count) * 32);
}

}  // namespace data_free
