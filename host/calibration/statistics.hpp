// Accumulates the statistics of one input of linears. Linears that share an input (q, k and v)
// share its statistics.
#pragma once

#include <cstdint>

#include "aten.hpp"

namespace assay::quant {

// The statistics that a quantizer or transform asks for. Linears with one input get the union of
// what they ask for.
struct statistics_needs {
  bool hessian = false, abs_max = false, abs_mean = false, sq_mean = false, min_max = false;
  bool raw_input = false;  // the inputs themselves, kept for the length of one block
  bool mean = false;
  bool cross = false;  // products with the float model's inputs; needs a second stream
  statistics_needs &operator|=(const statistics_needs &other);
  bool any() const {
    return hessian || abs_max || abs_mean || sq_mean || min_max || raw_input || mean || cross;
  }
  bool covers(const statistics_needs &other) const;
};

// Statistics over counted tokens, as assay_stats documents them (plugin_api/assay/linear.h): hessian
// and cross are plain sums without a factor, the members named mean are divided by n_tokens.
struct input_statistics {
  int64_t n_tokens = 0;
  at::Tensor hessian;           // [in, in] fp32, sum x x^T, symmetric and full
  at::Tensor cross;             // [in, in] fp32, sum x_float x^T
  at::Tensor abs_max;           // [in] fp32
  at::Tensor abs_mean;          // [in] fp32, mean |x|
  at::Tensor sq_mean;           // [in] fp32, mean x^2
  at::Tensor min, max;          // [in] fp32
  at::Tensor mean;              // [in] fp32, mean x
  std::vector<at::Tensor> raw;  // chunks [tokens, in], counted tokens only, in order

  // Raises the weight of the first token, on which attention sinks rest: H' = H + weight *
  // tr(H)/tr(H0) * H0, with H0 of first tokens alone. cross is treated alike and sq_mean follows;
  // everything else is shared with this.
  input_statistics with_first_token(const input_statistics &first_token, double weight) const;
  input_statistics on(at::Device device) const;
  // Statistics in which all columns count alike, H = n I: for an embedding of n rows, which
  // has no inputs.
  static input_statistics uniform(int64_t n, int64_t in_features, at::Device device);
};

// Adds chunks in the order given. Means are accumulated as fp64 sums, the Hessian in fp32.
class statistics_accumulator {
 public:
  statistics_accumulator(int64_t in_features, const statistics_needs &needs, at::Device device);
  // x: [tokens, in], counted tokens only; borrow (raw inputs are shared). x_float: the same tokens
  // in the float model, read for `cross` only.
  void add(const at::Tensor &x, const at::Tensor &x_float = {});
  int64_t n_tokens() const { return n_tokens_; }
  // Values that were NaN or Inf; a single one makes the statistics useless.
  int64_t n_non_finite() const { return n_non_finite_; }
  input_statistics finish();  // also fills the Hessian's upper triangle; call once

 private:
  statistics_needs needs_;
  int64_t n_tokens_ = 0, n_non_finite_ = 0;
  at::Tensor hessian_, cross_, abs_max_, abs_sum_, sq_sum_, min_, max_, sum_;
  std::vector<at::Tensor> raw_;
};

// Adds the lower triangle of x^T x to h, by the kernel of gram_kernel.hpp where this
// machine has it.
void accumulate_gram(at::Tensor &h /*[in, in] fp32*/, const at::Tensor &x /*[tokens, in]*/);
// The same by a library's products of column slabs, which take (1 + 1/slabs)/2 of the
// full product's work.
void accumulate_gram_by_slabs(at::Tensor &h, const at::Tensor &x);
void mirror_lower(at::Tensor &h);  // copies the lower triangle onto the upper one

}  // namespace assay::quant
