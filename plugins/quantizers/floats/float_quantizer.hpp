// Rounds a linear to small floats with a scale for each group: fp8, mxfp4, nvfp4. They differ in
// the table of values, the group and how the scale itself is stored. Data-free.
#pragma once

#include <assay_grid.hpp>

#include "tables.hpp"

namespace floats {

enum class scale_form {
  float32,    // fp8: largest magnitude / 448
  e8m0,       // mxfp4: a power of two, stored as its exponent + 127
  e4m3_twice  // nvfp4: E4M3 for each group under one fp32 factor for the matrix
};

struct format {
  const table &(*values)();
  int bits;
  int64_t group_size;  // columns; 0 = what the configuration says
  scale_form scale;
};

extern const format k_fp8, k_mxfp4, k_nvfp4;

template <const format &which>
class quantizer;

// The work that all formats share. `quantizer<format>` below only names the format.
class worker {
 public:
  worker(assay_cpp::host host, const format &which);
  void needs(const assay_linear &linear, assay_needs &out);
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_linear &linear, assay_estimate &out);

 private:
  // Emits the scales [out, groups] in their stored form, and returns them as numbers.
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
