// What tune trains, and how: multipliers of scales, norms, and Adam over them.
// Not where gradients come from (tune.cpp).
#pragma once

#include <optional>
#include <string>

#include "aten.hpp"
#include "core/ledger.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Adam (Kingma and Ba, arXiv 1412.6980) on one tensor; betas 0.9 and 0.95: a run has some tens of steps.
class adam {
 public:
  void step(at::Tensor &value, const at::Tensor &gradient, double rate);

 private:
  at::Tensor first_, second_;
  int64_t n_ = 0;
};

// A linear's weight as a function of one multiplier for each scale: W = base + m * slope, m broadcast
// over its group of columns. Found by asking the plugin's dequantize at two scales and checked at a third.
class tuned_scales {
 public:
  // Nothing where the weight is no such function; `why` then says the reason.
  static std::optional<tuned_scales> of(quantized_linear &form, std::string &why);

  at::Tensor weight() const;  // [out, in] fp32, at the present multipliers
  void step(const at::Tensor &weight_gradient, double rate);
  // Rounds the scales to their stored dtype and writes them into the form. Returns how many were clamped.
  int64_t store();
  int64_t count() const { return multiplier_.numel(); }

 private:
  at::Tensor grouped(const at::Tensor &w) const;
  quantized_linear *form_ = nullptr;  // borrow
  size_t role_ = 0;                   // index of the scales among its tensors
  at::Tensor base_;                   // [out, in]; undefined = 0
  at::Tensor slope_;                  // [out, in]
  at::Tensor multiplier_;             // [out, groups], starts at 1
  int64_t group_ = 0;                 // columns
  adam optimizer_;
};

}  // namespace assay::quant
