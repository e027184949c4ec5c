// hqq, half-quadratic quantization: integer codes, and for each group of weights a zero point (the
// code of the weight 0) that a search finds without calibration data.
#pragma once

#include <assay_grid.hpp>

namespace data_free {

// The configuration.
struct hqq_options {
  int bits;
  int64_t group_size;  // columns; -1 = the whole row
  int iterations;
  float p;          // the error is sum |w - w^|^p; a small p makes large single errors count less
  float beta;       // in the first step, errors above beta^(-1 / (2 - p)) count less
  float kappa;      // factor on beta after each step
  bool round_zero;  // the search starts from a whole zero point
};

// The grid of one group. Both numbers are already rounded to float16, as they are stored.
struct hqq_group {
  assay_grid::stored_scale scale;
  float zero = 0;
};

// Searches the grid of one group of n > 0 finite weights.
hqq_group fit_hqq(const hqq_options &options, const float *w, int64_t n);
// Writes n codes: clip(round(w / scale + zero), 0, 2^bits - 1).
void encode_hqq(const hqq_options &options, const hqq_group &grid, const float *w, int64_t n,
                uint8_t *codes);

class hqq {
 public:
  explicit hqq(assay_cpp::host host);
  void needs(const assay_linear &, assay_needs &) {}  // no statistics
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_linear &linear, assay_estimate &out);

 private:
  assay_cpp::host host_;
  hqq_options options_{};
};

}  // namespace data_free
