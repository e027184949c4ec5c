// hqq: half-quadratic quantization, a zero point searched without data.
#pragma once

#include <assay_grid.hpp>

namespace data_free {

// As the configuration says.
struct hqq_options {
  int bits;
  int64_t group_size;  // columns; -1 = the whole row
  int iterations;
  float p;          // exponent of the error norm, below 1: outliers are forgiven
  float beta;       // weight of the quadratic coupling ...
  float kappa;      // ... and its growth per iteration
  bool round_zero;  // the search starts with 0 on the grid
};

// What one group ends up with. Both numbers are exactly as stored (float16).
struct hqq_group {
  assay_grid::stored_scale scale;
  float zero = 0;
};

// The search, on one group of n > 0 finite weights.
hqq_group fit_hqq(const hqq_options &options, const float *w, int64_t n);
// codes = clip(round(w / scale + zero), 0, 2^b - 1)
void encode_hqq(const hqq_options &options, const hqq_group &grid, const float *w, int64_t n,
                uint8_t *codes);

class hqq {
 public:
  explicit hqq(assay_cpp::host host);
  void needs(const assay_linear &, assay_needs &) {}  // data-free
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_linear &linear, assay_estimate &out);

 private:
  assay_cpp::host host_;
  hqq_options options_{};
};

}  // namespace data_free
