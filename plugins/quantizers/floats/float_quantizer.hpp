// Rounds a linear (a weight matrix) to small floats: fp8, mxfp4, nvfp4. Columns of a row that share a
// scale form a group. The formats differ in their numbers, the size of a group and the stored form
// of a scale. No calibration data is needed.
#pragma once

#include <assay_grid.hpp>

#include "tables.hpp"

namespace floats {

enum class scale_form {
  float32,    // fp8: largest magnitude / 448
  e8m0,       // mxfp4: a power of two, stored as its exponent + 127
  e4m3_twice  // nvfp4: an E4M3 number for each group, divided by one fp32 number for the matrix
};

struct format {
  const table &(*values)();  // the numbers that codes stand for
  int bits;
  int64_t group_size;  // columns; 0 = the configuration decides
  scale_form scale;
};

extern const format k_fp8, k_mxfp4, k_nvfp4;

template <const format &which>
class quantizer;

// Does the work for all formats. The template `quantizer` below makes a class for each format, because
// assay_cpp::quantizer_table needs one class for each component.
class worker {
 public:
  worker(assay_cpp::host host, const format &which);
  void needs(const assay_linear &linear, assay_needs &out);
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_linear &linear, assay_estimate &out);

 private:
  // Emits the scales [out, groups] in their stored form and returns them as numbers. largest: the
  // largest magnitude of each group.
  std::vector<float> emit_scales(const assay_linear &linear, const std::vector<float> &largest,
                                 int64_t groups, const assay_cpp::sink &sink);
  assay_grid::group_cut cut(int64_t in) const { return {group_size_, in}; }

  assay_cpp::host host_;
  const format &format_;
  int64_t group_size_;
};

template <const format &which>
class quantizer : public worker {
 public:
  explicit quantizer(assay_cpp::host host) : worker(host, which) {}
};

}  // namespace floats
