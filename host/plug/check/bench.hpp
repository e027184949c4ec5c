// Makes weight matrices and statistics from random numbers, and runs a quantizer on them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plug/check/check.hpp"
#include "plug/quantizer.hpp"

namespace assay::check {

// A weight matrix, and the inputs x from which its statistics are computed.
class bench_layer {
 public:
  bench_layer(int64_t rows, int64_t columns, uint64_t seed, const std::string &name = "",
              const std::string &role = "mlp.up");
  bench_layer(const bench_layer &) = delete;
  bench_layer &operator=(const bench_layer &) = delete;

  const assay_linear &layer() const { return layer_; }
  // Returns the statistics that `needs` asks for (except `mean`), as plugin_api/assay/linear.h defines them, or nullptr
  // if none are needed. They are summed in double, and are valid until the next call.
  const assay_stats *stats(const assay_needs &needs);
  plug::tensor_view tokens(int64_t first, int64_t count) const;  // rows of `inputs`, not copied
  int64_t n_tokens() const { return n_tokens_; }
  // The bytes of the weight, the inputs and the statistics, which a plugin must not change
  std::string bytes() const;

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
  int64_t chunk = 0;  // number of tokens in each call of observe; 0 = all at once
  plug::instance_options instance;
};

// Calls needs, observe and quantize. Skips the case if the quantizer needs whole decoder layers.
plug::emitted_form run(plug::quantizer_instance &quantizer, bench_layer &on, int64_t chunk = 0);
plug::emitted_form run(const subject &on, bench_layer &layer, const run_options &options = {});
std::vector<float> dequantize(const subject &on, const plug::emitted_form &form);
// Roles, tensors and note as one text, to compare two results
std::string bytes_of(const plug::emitted_form &form);
// |weight - back| / |weight| with the Euclidean norm; |weight - back| if the weight is all zeros.
double relative_error(const std::vector<float> &weight, const std::vector<float> &back);

}  // namespace assay::check
