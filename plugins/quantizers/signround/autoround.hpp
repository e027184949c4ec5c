// autoround: learns how the weights of a whole block (decoder layer) are rounded, and the range of
// their grids, by signed gradient descent (Cheng et al., arXiv 2309.05516). The target is the output
// of the float block. parameters.hpp has the parameters of one linear.
#pragma once

#include "parameters.hpp"

namespace signround {

class autoround {
 public:
  explicit autoround(assay_cpp::host host);
  void needs(const assay_linear &linear, assay_needs &out);
  void quantize(const assay_linear &linear, const assay_stats *stats, assay_cpp::sink sink);
  void quantize_block(const assay_block &block, const assay_stats *const *stats,
                      const assay_sink *const *sinks);
  void dequantize(const assay_form &form, const assay_tensor &out);
  void estimate(const assay_linear &linear, assay_estimate &out);

 private:
  assay_cpp::host host_;
  grid grid_;
  int iterations_ = 0;
  int64_t batch_ = 0;  // sequences of one step
  double rate_ = 0;  // size of the first step of V, the offsets before rounding; 0 = 1 / iterations
  double range_rate_ = 0;  // the same for alpha and beta, the factors on ranges; 0 = as for V
  bool learn_ranges_ = false;
  uint32_t products_ = ASSAY_PRODUCTS_F32;  // dtype of the factors in the products of gradients
};

}  // namespace signround
