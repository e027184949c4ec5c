// codebook: a weight becomes scale * value. The value is the nearest of 16 fixed ones. The scale is
// the largest magnitude of the weight's group, the columns that share a scale.
#pragma once

#include <assay_grid.hpp>

#include <array>

namespace data_free {

class codebook {
 public:
  explicit codebook(assay_cpp::host host);
  void needs(const assay_linear &, assay_needs &) {}  // no statistics
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_linear &linear, assay_estimate &out);

 private:
  assay_cpp::host host_;
  int64_t group_size_;            // columns; -1 = the whole row
  std::array<float, 16> values_;  // ascending, largest magnitude 1
};

}  // namespace data_free
