// One linear and its statistics as a plugin sees them: the ABI structs with the storage behind
// them.
// Only views: no numbers are made here.
#pragma once

#include <assay.h>

#include <string>
#include <vector>

#include "calibration/statistics.hpp"
#include "model/decoder.hpp"
#include "plug/bridge.hpp"
#include "plug/quantizer.hpp"
#include "quant/quantized.hpp"
#include "quant/recipe.hpp"

namespace assay::quant {

// Facts of the model for plugins: sizes, heads, head_dim, norm kind, tied.
json arch_facts(const model::decoder_config &config);
// "0.attn.qkv", "0.mlp.gate_up": linears that consumers fuse; "" for the others.
std::string tie_group(const model::linear_op &linear);

class layer_view {
 public:
  // weight: f32 contiguous [out, in], on any device; shared, not copied. arch_json: borrow,
  // outlives this.
  layer_view(const model::linear_op &linear, int32_t index, at::Tensor weight,
             const std::string &arch_json, double tie_abs_max);
  layer_view(const layer_view &) = delete;
  const assay_layer &get() const { return layer_; }
  void set_clip(at::Tensor min, at::Tensor max, int64_t group_size);  // [out, groups] f32
  void set_start(const quantized_linear &form);
  void set_tie_abs_max(double most) { layer_.tie_abs_max = most; }
  void add_flags(uint32_t flags) { layer_.flags |= flags; }  // ASSAY_LAYER_...

 private:
  std::string name_, role_, tie_group_;
  plug::tensor_ref weight_, bias_, clip_min_, clip_max_;
  std::unique_ptr<class form_ref> start_;
  assay_layer layer_{};

 public:
  ~layer_view();
};

// A quantized linear as an ABI form; borrows the linear's tensors.
class form_ref {
 public:
  explicit form_ref(const quantized_linear &linear);
  const assay_form *get() { return view_.get(); }

 private:
  std::vector<plug::tensor_ref> tensors_;
  plug::form_view view_;
};

class stats_view {
 public:
  stats_view(const input_statistics &sums, const input_statistics *first,
             propagation_policy propagation, int64_t n_sequences);
  stats_view(const stats_view &) = delete;
  const assay_stats *get() const { return &stats_; }

 private:
  std::vector<plug::tensor_ref> kept_;
  assay_stats stats_{};
};

statistics_needs needs_of(const assay_needs &needs);

}  // namespace assay::quant
