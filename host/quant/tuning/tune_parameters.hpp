// Holds the multipliers of scales that tune trains, and Adam, which updates tensors by their
// gradients. tune.cpp computes the gradients.
#pragma once

#include <optional>
#include <string>

#include "aten.hpp"
#include "core/ledger.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// The optimizer Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) on one tensor. Its betas are 0.9
// and 0.95. The second is smaller than the usual 0.999, because a run has only some tens of steps.
class adam {
 public:
  void step(at::Tensor &value, const at::Tensor &gradient, double rate);  // changes value in place

 private:
  at::Tensor first_, second_;  // running means of the gradient and of its square
  int64_t n_ = 0;              // steps
};

// The weight of a linear as a function of one multiplier m for each scale: W = base + m * slope,
// where m is the same for all columns of a group. The plugin's dequantize, called with the scales
// times 1 and times 2, gives base and slope. A call with the scales times 4 checks the function.
class tuned_scales {
 public:
  // Borrows `form`. Returns nothing if the weight is no such function; `why` then holds the reason.
  static std::optional<tuned_scales> of(quantized_linear &form, std::string &why);

  at::Tensor weight() const;  // [out, in] fp32, at the present multipliers
  void step(const at::Tensor &weight_gradient, double rate);  // [out, in]; updates the multipliers
  // Writes the new scales into the form, rounded to their stored dtype. A scale that would become
  // infinite or zero keeps its old value. Returns the number of such scales.
  int64_t store();
  int64_t count() const { return multiplier_.numel(); }

 private:
  at::Tensor grouped(const at::Tensor &w) const;  // [out, in] -> [out, groups, columns]
  quantized_linear *form_ = nullptr;              // borrowed
  size_t role_ = 0;                               // index of the scales among the form's tensors
  at::Tensor base_;                               // [out, in]; undefined = 0
  at::Tensor slope_;                              // [out, in]
  at::Tensor multiplier_;                         // [out, groups], starts at 1
  int64_t group_ = 0;                             // columns of a group
  adam optimizer_;
};

}  // namespace assay::quant
