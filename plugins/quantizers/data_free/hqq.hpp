// hqq: half-quadratic quantization, a zero point searched without data.
#pragma once

#include "common.hpp"

namespace data_free {

struct hqq_options {
  int bits = 4;
  int64_t group_size = 64;
  int iterations = 20;
  float p = 0.7f;          // exponent of the error norm, below 1: outliers are forgiven
  float beta = 10.0f;      // weight of the quadratic coupling ...
  float kappa = 1.01f;     // ... and its growth per iteration
  bool round_zero = true;  // the search starts with 0 on the grid
};

// What one group ends up with. zero is exactly as stored (float16).
struct hqq_group {
  float scale = 1, zero = 0;
  bool raised = false;
};

// The search, on one group of n finite weights; errors name row and group.
hqq_group fit_hqq(const hqq_options &options, const float *w, int64_t n, int64_t row,
                  int64_t group);
// codes = clip(round(w / scale + zero), 0, 2^b - 1)
void encode_hqq(const hqq_options &options, const hqq_group &grid, const float *w, int64_t n,
                uint8_t *codes);

class hqq {
 public:
  hqq(assay_cpp::host host, const char *config_json);
  void needs(const assay_layer &, assay_needs &) {}  // data-free
  void quantize(const assay_layer &layer, const assay_stats *stats, assay_cpp::sink sink);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_layer &layer, assay_estimate &out);

 private:
  assay_cpp::host host_;
  hqq_options options_;
};

}  // namespace data_free
