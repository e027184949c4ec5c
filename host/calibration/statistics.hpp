// Statistics of one linear input: the sums that calibration takes, and how they are accumulated.
// Not the pass that produces the inputs (calibrate.hpp). q, k, v share one input, hence one
// statistic.
#pragma once

#include <cstdint>

#include "aten.hpp"

namespace assay::quant {

// What a quantizer or transform asks for; the union over a group is taken.
struct statistics_needs {
  bool hessian = false, abs_max = false, abs_mean = false, sq_mean = false, min_max = false;
  bool raw_input = false;  // the inputs themselves, kept for the length of one block
  bool mean = false;
  bool cross = false;  // with the float model's inputs; needs a second stream
  statistics_needs &operator|=(const statistics_needs &other);
  bool any() const {
    return hessian || abs_max || abs_mean || sq_mean || min_max || raw_input || mean || cross;
  }
  bool covers(const statistics_needs &other) const;
};

// Plain sums over counted tokens; no factor, no mean hides in them (plugin-abi-and-lua.md 5.4).
struct input_statistics {
  int64_t n_tokens = 0;
  at::Tensor hessian;           // [in, in] fp32, sum x x^T, symmetric and full
  at::Tensor cross;             // [in, in] fp32, sum x_float x^T
  at::Tensor abs_max;           // [in] fp32
  at::Tensor abs_mean;          // [in] fp32
  at::Tensor sq_mean;           // [in] fp32, mean x^2
  at::Tensor min, max;          // [in] fp32
  at::Tensor mean;              // [in] fp32, mean x
  std::vector<at::Tensor> raw;  // chunks [tokens, in], counted tokens only, in order

  // H + weight * tr(H)/tr(H0) * H0, and sq_mean to match: the sink-aware statistics
  // (methods-on-smollm2.md, point 3); cross is treated alike. Everything else is shared with this.
  input_statistics with_sink(const input_statistics &sink, double weight) const;
  input_statistics on(at::Device device) const;
  // Those of a table of `n` rows: every column counts alike, H = n I.
  static input_statistics uniform(int64_t n, int64_t in_features, at::Device device);
};

// Adds chunks in the order given. Means are kept as fp64 sums; the Hessian in fp32, chunk by chunk.
class statistics_accumulator {
 public:
  statistics_accumulator(int64_t in_features, const statistics_needs &needs, at::Device device);
  // [tokens, in], counted tokens only; borrow (raw input: shared). x_float: the same tokens in the
  // float model, read for `cross` only.
  void add(const at::Tensor &x, const at::Tensor &x_float = {});
  int64_t n_tokens() const { return n_tokens_; }
  int64_t n_non_finite() const {
    return n_non_finite_;
  }                           // values that were NaN or Inf: they poison everything
  input_statistics finish();  // fills the upper triangle; call once

 private:
  statistics_needs needs_;
  int64_t n_tokens_ = 0, n_non_finite_ = 0;
  at::Tensor hessian_, cross_, abs_max_, abs_sum_, sq_sum_, min_, max_, sum_;
  std::vector<at::Tensor> raw_;
};

// Lower triangle of h += x^T x by the kernel of gram_kernel.hpp, ...
void accumulate_gram(at::Tensor &h /*[in, in] fp32*/, const at::Tensor &x /*[tokens, in]*/);
// ... and in column slabs by a library, where that does not apply: (1 + 1/slabs)/2 of the full
// product's work.
void accumulate_gram_by_slabs(at::Tensor &h, const at::Tensor &x);
void mirror_lower(at::Tensor &h);  // copies the lower triangle onto the upper one

}  // namespace assay::quant
