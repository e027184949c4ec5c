// Accumulates the statistics of one input of linears, such as the Hessian sum x x^T. Linears that
// share an input (q, k and v) share its statistics.
#pragma once

#include <cstdint>

#include "aten.hpp"

namespace assay::quant {

// The statistics that a quantizer or transform asks for. Linears that share an input get all that any
// of them asks for.
struct statistics_needs {
  bool hessian = false, abs_max = false, abs_mean = false, sq_mean = false, min_max = false;
  bool raw_input = false;  // the inputs themselves, kept until the block is done
  bool mean = false;
  bool cross = false;  // sum x_float x^T with the float model's input; needs a second stream
  statistics_needs &operator|=(const statistics_needs &other);
  bool any() const {
    return hessian || abs_max || abs_mean || sq_mean || min_max || raw_input || mean || cross;
  }
  bool covers(const statistics_needs &other) const;  // this asks for all that other asks for
};

// Statistics over counted tokens, with the meaning of assay_stats (plugin_api/assay/linear.h): hessian
// and cross are plain sums; members with "mean" in their name are divided by n_tokens. A tensor that
// was not asked for is undefined.
struct input_statistics {
  int64_t n_tokens = 0;
  at::Tensor hessian;           // [in, in] fp32, sum x x^T, symmetric and full
  at::Tensor cross;             // [in, in] fp32, sum x_float x^T
  at::Tensor abs_max;           // [in] fp32
  at::Tensor abs_mean;          // [in] fp32, mean |x|
  at::Tensor sq_mean;           // [in] fp32, mean x^2
  at::Tensor min, max;          // [in] fp32
  at::Tensor mean;              // [in] fp32, mean x
  std::vector<at::Tensor> raw;  // the inputs: chunks [tokens, in], counted tokens only, in order

  // Returns statistics in which tokens at position 0 weigh more, because attention heads often put
  // much weight on them: H' = H + weight * tr(H)/tr(H0) * H0, where H is this Hessian and H0 that of
  // first_token. To `cross`, first_token.cross is added with the same factor. sq_mean is the diagonal
  // of H' / n_tokens. Everything else is shared with this object.
  input_statistics with_first_token(const input_statistics &first_token, double weight) const;
  input_statistics on(at::Device device) const;  // a copy on this device
  // Statistics in which all columns count alike, for an embedding of n rows: rows of an embedding are
  // looked up, so it has no inputs. The Hessian is max(n, in_features) times the identity matrix.
  static input_statistics uniform(int64_t n, int64_t in_features, at::Device device);
};

// Adds up chunks of inputs in the order given. Means are accumulated as fp64 sums, the Hessian in fp32.
class statistics_accumulator {
 public:
  statistics_accumulator(int64_t in_features, const statistics_needs &needs, at::Device device);
  // x: [tokens, in], counted tokens only. If it is fp32, the raw input that is kept shares its memory.
  // x_float: the inputs of the same tokens in the float model, read for `cross` only.
  void add(const at::Tensor &x, const at::Tensor &x_float = {});
  int64_t n_tokens() const { return n_tokens_; }
  // The number of values that were NaN or Inf; a single one makes the statistics useless.
  int64_t n_non_finite() const { return n_non_finite_; }
  input_statistics finish();  // call it once; it also fills the Hessian's upper triangle

 private:
  statistics_needs needs_;
  int64_t n_tokens_ = 0, n_non_finite_ = 0;
  at::Tensor hessian_, cross_, abs_max_, abs_sum_, sq_sum_, min_, max_, sum_;
  std::vector<at::Tensor> raw_;
};

// Adds the lower triangle of x^T x to h. The upper triangle of h has no defined values afterwards. The
// work is done by gram_kernel.hpp where it can run, else by the next function.
void accumulate_gram(at::Tensor &h /*[in, in] fp32*/, const at::Tensor &x /*[tokens, in]*/);
// The same with matrix products of a library, one for each slab (some neighbouring columns). With s
// slabs this takes (1 + 1/s)/2 of the operations of the full product.
void accumulate_gram_by_slabs(at::Tensor &h, const at::Tensor &x);
void mirror_lower(at::Tensor &h);  // copies the lower triangle onto the upper one

}  // namespace assay::quant
