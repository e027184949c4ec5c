// Makes weight matrices and statistics from random numbers, and runs a quantizer on them.
#include "plug/check/bench.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plug/check/numbers.hpp"

namespace assay::check {

bench_layer::bench_layer(int64_t rows, int64_t columns, uint64_t seed, const std::string &name,
                         const std::string &role)
    : weight(static_cast<size_t>(rows * columns)),
      rows_(rows),
      columns_(columns),
      n_tokens_(2 * columns + 3),
      name_(name.empty() ? "check." + std::to_string(rows) + "x" + std::to_string(columns) : name),
      role_(role) {
  numbers random(seed);
  for (float &w : weight) w = static_cast<float>(0.05 * random.normal());
  // Input channels of very different size, as in a real model.
  std::vector<double> strength(static_cast<size_t>(columns));
  for (double &s : strength) s = std::exp(random.normal());
  inputs.resize(static_cast<size_t>(n_tokens_ * columns));
  for (size_t i = 0; i < inputs.size(); ++i)
    inputs[i] = static_cast<float>(strength[i % strength.size()] * random.normal());
  weight_view_ = plug::tensor_view(weight.data(), plug::k_f32, {rows, columns});
  layer_.struct_size = sizeof layer_;
  layer_.name = name_.c_str();
  layer_.role = role_.c_str();
  layer_.tie_group = "";
  layer_.arch_json = "{}";
  layer_.out_features = rows;
  layer_.in_features = columns;
  layer_.weight = weight_view_.get();
  for (const float w : weight)
    layer_.tie_abs_max = std::max(layer_.tie_abs_max, std::fabs(double{w}));
}

plug::tensor_view bench_layer::tokens(int64_t first, int64_t count) const {
  return plug::tensor_view(inputs.data() + first * columns_, plug::k_f32, {count, columns_});
}

void bench_layer::fill_stats() {
  const size_t n = static_cast<size_t>(columns_);
  std::vector<double> sum(n * n), mean(n), square(n);
  first_.assign(n * n, 0.0f);
  abs_max_.assign(n, 0.0f);
  min_.assign(inputs.begin(), inputs.begin() + columns_);
  max_ = min_;
  for (size_t t = 0; t < static_cast<size_t>(n_tokens_); ++t) {
    const float *x = inputs.data() + t * n;
    for (size_t i = 0; i < n; ++i) {
      const double xi = double{x[i]};
      for (size_t j = 0; j < n; ++j) sum[i * n + j] += xi * double{x[j]};
      for (size_t j = 0; t == 0 && j < n; ++j) first_[i * n + j] = x[i] * x[j];
      mean[i] += std::fabs(xi) / static_cast<double>(n_tokens_);
      square[i] += xi * xi / static_cast<double>(n_tokens_);
      abs_max_[i] = std::max(abs_max_[i], std::fabs(x[i]));
      min_[i] = std::min(min_[i], x[i]);
      max_[i] = std::max(max_[i], x[i]);
    }
  }
  hessian_.assign(sum.begin(), sum.end());
  abs_mean_.assign(mean.begin(), mean.end());
  sq_mean_.assign(square.begin(), square.end());
}

const assay_stats *bench_layer::stats(const assay_needs &needs) {
  if (needs.statistics == 0) return nullptr;
  fill_stats();
  const int64_t n = columns_;
  views_.clear();
  views_.reserve(8);
  const auto view = [&](uint32_t bit, const std::vector<float> &values,
                        bool square) -> const assay_tensor * {
    if ((needs.statistics & bit) == 0) return nullptr;
    views_.emplace_back(values.data(), plug::k_f32,
                        square ? std::vector<int64_t>{n, n} : std::vector<int64_t>{n});
    return views_.back().get();
  };
  stats_ = {};
  stats_.struct_size = sizeof stats_;
  stats_.n_tokens = n_tokens_;
  stats_.n_sequences = 1;
  stats_.hessian = view(ASSAY_NEED_HESSIAN, hessian_, true);
  stats_.hessian_first = view(ASSAY_NEED_HESSIAN_FIRST, first_, true);
  // `cross` pairs inputs of the float model with those of the quantized one, which are the same here.
  stats_.cross = view(ASSAY_NEED_CROSS, hessian_, true);
  stats_.abs_max = view(ASSAY_NEED_ABS_MAX, abs_max_, false);
  stats_.abs_mean = view(ASSAY_NEED_ABS_MEAN, abs_mean_, false);
  stats_.sq_mean = view(ASSAY_NEED_SQ_MEAN, sq_mean_, false);
  stats_.min = view(ASSAY_NEED_MIN_MAX, min_, false);
  stats_.max = view(ASSAY_NEED_MIN_MAX, max_, false);
  if (stats_.cross != nullptr) stats_.propagation = ASSAY_PROPAGATE_ASYMMETRIC;
  return &stats_;
}

std::string bench_layer::bytes() const {
  std::string out(reinterpret_cast<const char *>(weight.data()), weight.size() * sizeof(float));
  for (const auto *part :
       {&inputs, &hessian_, &first_, &abs_max_, &abs_mean_, &sq_mean_, &min_, &max_})
    out.append(reinterpret_cast<const char *>(part->data()), part->size() * sizeof(float));
  return out;
}

plug::emitted_form run(plug::quantizer_instance &quantizer, bench_layer &on, int64_t chunk) {
  const assay_needs needs = quantizer.needs(on.layer());
  if ((needs.schedule & (ASSAY_SCHEDULE_WHOLE_BLOCK | ASSAY_SCHEDULE_BLOCK_LOSS)) != 0)
    skip("it works on whole blocks, which this program cannot run");
  const assay_stats *stats = on.stats(needs);
  if ((needs.statistics & ASSAY_NEED_RAW_INPUT) != 0) {
    const int64_t step = chunk == 0 ? on.n_tokens() : chunk;
    for (int64_t first = 0; first < on.n_tokens(); first += step) {
      const plug::tensor_view tokens = on.tokens(first, std::min(step, on.n_tokens() - first));
      quantizer.observe(on.layer(), *tokens);
    }
  }
  return quantizer.quantize(on.layer(), stats);
}

plug::emitted_form run(const subject &on, bench_layer &layer, const run_options &options) {
  plug::quantizer_instance quantizer(*on.what, on.config, options.instance);
  return run(quantizer, layer, options.chunk);
}

std::vector<float> dequantize(const subject &on, const plug::emitted_form &form) {
  std::vector<float> out(static_cast<size_t>(form.out_features * form.in_features));
  const plug::tensor_view view(out.data(), plug::k_f32, {form.out_features, form.in_features});
  plug::quantizer_instance fresh(*on.what, on.config);
  plug::form_view borrowed(form);
  fresh.dequantize(*borrowed.get(), *view);
  return out;
}

std::string bytes_of(const plug::emitted_form &form) {
  std::string out = form.note.dump();
  for (const plug::emitted_tensor &one : form.tensors) {
    out += "\n" + one.role + " " + plug::describe(one.tensor.view()) + " " +
           std::to_string(one.packed_bits) + "\n";
    out.append(plug::data_of<char>(one.tensor.view()),
               static_cast<size_t>(plug::byte_count(one.tensor.view())));
  }
  return out;
}

double relative_error(const std::vector<float> &weight, const std::vector<float> &back) {
  double difference = 0, total = 0;
  for (size_t i = 0; i < weight.size(); ++i) {
    difference += (double{weight[i]} - double{back[i]}) * (double{weight[i]} - double{back[i]});
    total += double{weight[i]} * double{weight[i]};
  }
  return total == 0 ? std::sqrt(difference) : std::sqrt(difference / total);
}

}  // namespace assay::check
