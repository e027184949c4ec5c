// Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models" (2023), eqs. 4-6:
// the scale stays that of min-max; the zero point minimises |w - w^|^p, p < 1, by alternating a
// shrinkage of the error with a closed-form mean.
#include "hqq.hpp"

#include <algorithm>
#include <assay_json.hpp>
#include <atomic>
#include <cmath>
#include <vector>

namespace data_free {
namespace {

float code_of(float x, float scale, float zero, float top) {
  float code = x / scale + zero;
  code = code < 0 ? 0 : code > top ? top : code;
  return (code + 12582912.0f) - 12582912.0f;  // 1.5 * 2^23: rounds half to even, and vectorises
}

// Shrinkage of eq. 5: the error that is worth keeping under the p-norm. It is 0 up to `threshold`,
// where |r| = |r|^(p-1) / beta; the power is taken for outliers only.
float shrink(float r, float beta, float p, float threshold) {
  const float magnitude = std::fabs(r);
  if (magnitude <= threshold) return 0;
  const float kept = magnitude - std::pow(magnitude, p - 1) / beta;
  return kept <= 0 ? 0 : std::copysign(kept, r);
}

double mean_error(const float *w, int64_t n, float scale, float zero, float top) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i)
    sum += std::fabs(double{w[i]} - double{scale * (code_of(w[i], scale, zero, top) - zero)});
  return sum / static_cast<double>(n);
}

}  // namespace

hqq_group fit_hqq(const hqq_options &o, const float *w, int64_t n, int64_t row, int64_t group) {
  const float top = static_cast<float>((1 << o.bits) - 1);
  float low = w[0], high = w[0];
  for (int64_t i = 1; i < n; ++i) {
    low = std::min(low, w[i]);
    high = std::max(high, w[i]);
  }
  hqq_group best;
  if (low == 0 && high == 0) return best;
  // a constant group has no width: its value itself is the scale
  const float width = high > low ? high / top - low / top : std::fabs(low);
  best.scale = stored_scale(width, row, group, best.raised);
  const auto stored_zero =
      [&](float zero) {  // float16 reaches 65504: far from zero w is one code away
        return from_half(to_half(std::fmin(std::fmax(zero, -60000.0f), 60000.0f)));
      };
  const float first = -low / best.scale;
  best.zero = stored_zero(o.round_zero ? std::nearbyint(first) : first);
  double best_error = mean_error(w, n, best.scale, best.zero, top);
  float zero = best.zero, beta = o.beta;
  for (int step = 0; step < o.iterations; ++step, beta *= o.kappa) {
    const float threshold = std::pow(beta, -1.0f / (2.0f - o.p));
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const float code = code_of(w[i], best.scale, zero, top);
      const float kept = shrink(w[i] - best.scale * (code - zero), beta, o.p, threshold);
      sum += double{code} - (double{w[i]} - double{kept}) / double{best.scale};
    }
    zero = stored_zero(static_cast<float>(sum / static_cast<double>(n)));
    const double error = mean_error(w, n, best.scale, zero, top);
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
    codes[i] = static_cast<uint8_t>(code_of(w[i], grid.scale, grid.zero, top));
}

hqq::hqq(assay_cpp::host host, const char *config_json) : host_(host) {
  const auto config = assay_json::parse(config_json);
  options_.bits = static_cast<int>(config.number_or("bits", 4));
  options_.group_size =
      std::max<int64_t>(0, static_cast<int64_t>(config.number_or("group_size", 64)));
  options_.iterations = static_cast<int>(config.number_or("iterations", 20));
  options_.p = static_cast<float>(config.number_or("p", 0.7));
  options_.beta = static_cast<float>(config.number_or("beta", 10));
  options_.kappa = static_cast<float>(config.number_or("kappa", 1.01));
  const std::string start = config.string_or("first_zero", "auto");
  options_.round_zero = start == "whole" || (start == "auto" && options_.bits == 4);
}

void hqq::quantize(const assay_layer &layer, const assay_stats *, assay_cpp::sink sink) {
  const auto w = assay_cpp::matrix_of<const float>(layer.weight, "the weight");
  assay_cpp::require_finite(w);
  const groups cut(w.columns, options_.group_size);
  auto codes = host_.alloc(assay_cpp::dtype_of<uint8_t>(), {w.rows, w.columns});
  auto scales = host_.alloc(assay_cpp::k_f16, {w.rows, cut.count});
  auto zeros = host_.alloc(assay_cpp::k_f16, {w.rows, cut.count});
  std::atomic<uint64_t> raised{0};
  host_.parallel_for(w.rows, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t g = 0; g < cut.count; ++g) {
        const float *x = w.row(row) + cut.first(g);
        const hqq_group grid = fit_hqq(options_, x, cut.length(g), row, g);
        encode_hqq(options_, grid, x, cut.length(g),
                   codes.data<uint8_t>() + row * w.columns + cut.first(g));
        scales.data<uint16_t>()[row * cut.count + g] = to_half(grid.scale);
        zeros.data<uint16_t>()[row * cut.count + g] = to_half(grid.zero);
        raised += grid.raised ? 1 : 0;
      }
    }
  });
  if (raised > 0)
    host_.ledger("clamped_scale", raised, "scales raised to the smallest normal float16");
  const auto bits = static_cast<uint32_t>(options_.bits);
  sink.emit("codes", std::move(codes), bits);
  sink.emit("scales", std::move(scales));
  sink.emit("zeros", std::move(zeros));
  sink.note("{\"format\": \"affine/1\", \"bits\": " + std::to_string(bits) +
            ", \"group_size\": " + std::to_string(options_.group_size) + ", \"symmetric\": false}");
}

void hqq::dequantize(const assay_form &form, const assay_tensor &out) {
  const auto codes = assay_cpp::matrix_of<const uint8_t>(assay_cpp::find(form, "codes"), "codes");
  const assay_tensor *scales = assay_cpp::find(form, "scales"),
                     *zeros = assay_cpp::find(form, "zeros");
  if (scales == nullptr || zeros == nullptr)
    throw assay_cpp::failure(ASSAY_INVALID_ARGUMENT, "not a form that hqq made");
  const auto w = assay_cpp::matrix_of<float>(&out, "the output");
  const groups cut(w.columns, options_.group_size);
  const auto *s = static_cast<const uint16_t *>(scales->data),
             *z = static_cast<const uint16_t *>(zeros->data);
  host_.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t j = 0; j < w.columns; ++j) {
        const int64_t at = row * cut.count + j / cut.size;
        w.row(row)[j] =
            from_half(s[at]) * (static_cast<float>(codes.row(row)[j]) - from_half(z[at]));
      }
  });
}

void hqq::estimate(const assay_layer &layer, assay_estimate &out) {
  const groups cut(layer.in_features, options_.group_size);
  out.packed_bits = static_cast<double>(layer.out_features) *
                    (static_cast<double>(layer.in_features) * options_.bits +
                     static_cast<double>(cut.count) * 32);
}

}  // namespace data_free
