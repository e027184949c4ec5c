// A work bench for quantizers: layers and statistics made from random numbers, runs whose result
// can be compared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plug/check/check.hpp"
#include "plug/quantizer.hpp"

namespace assay::check {

// One linear with the calibration inputs x that its statistics come from.
class bench_layer {
 public:
  bench_layer(int64_t rows, int64_t columns, uint64_t seed, const std::string &name = "",
              const std::string &role = "mlp.up");
  bench_layer(const bench_layer &) = delete;
  bench_layer &operator=(const bench_layer &) = delete;

  const assay_linear &layer() const { return layer_; }
  // Everything that `needs` asks for, by the definitions of layer.h, accumulated in double.
  const assay_stats *stats(const assay_needs &needs);
  plug::tensor_view tokens(int64_t first, int64_t count) const;
  int64_t n_tokens() const { return n_tokens_; }
  std::string bytes() const;  // of the weight and of x: what a plugin must leave alone

  std::vector<float> weight;  // [rows, columns]
  std::vector<float> inputs;  // [n_tokens, columns]

 private:
  void fill_stats();
  int64_t rows_, columns_, n_tokens_;
  std::string name_, role_;
  assay_linear layer_{};
  plug::tensor_view weight_view_;
  std::vector<float> hessian_, first_, abs_max_, abs_mean_, sq_mean_, min_, max_;
  std::vector<plug::tensor_view> views_;
  assay_stats stats_{};
};

struct run_options {
  int64_t chunk = 0;  // tokens of one observe; 0 = all at once
  plug::instance_options instance;
};

// needs, observe, quantize. Skips the case for quantizers of whole blocks.
plug::emitted_form run(plug::quantizer_instance &quantizer, bench_layer &on, int64_t chunk = 0);
plug::emitted_form run(const subject &on, bench_layer &layer, const run_options &options = {});
std::vector<float> dequantize(const subject &on, const plug::emitted_form &form);
std::string bytes_of(const plug::emitted_form &form);  // roles, tensors and note
double relative_error(const std::vector<float> &weight, const std::vector<float> &back);

}  // namespace assay::check
