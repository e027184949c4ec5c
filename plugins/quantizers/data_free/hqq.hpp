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
  float p;          // the error is sum |w - w^|^p; w^: dequantized. p <= 1: large errors count less
  float beta;       // in the first step, a part of errors above beta^(-1 / (2 - p)) is left out
  float kappa;      // factor on beta after each step
  bool round_zero;  // the search starts from a zero point that is a whole number
};

// The grid of one group. Scale and zero point are already rounded to float16, as they are stored.
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
