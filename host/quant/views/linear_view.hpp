// Shows one linear, its statistics and its quantized form to plugins. A view holds a struct of the
// plugin interface (ABI) and the memory to which the struct's pointers lead.
#pragma once

#include <assay.h>

#include <optional>
#include <string>
#include <vector>

#include "calibration/statistics.hpp"
#include "model/decoder.hpp"
#include "plug/bridge.hpp"
#include "plug/quantizer.hpp"
#include "quant/quantized.hpp"
#include "quant/recipe.hpp"

namespace assay::quant {

// Facts of the model for plugins: sizes, heads, head_dim, kind of norm, tied.
json arch_facts(const model::decoder_config &config);
// The name of a linear's tie group, such as "0.attn.qkv" or "0.mlp.gate_up"; "" for a linear that has
// none. Consumers (programs that load the result) join the linears of a tie group to one matrix.
std::string tie_group(const model::linear_op &linear);

class linear_view {
 public:
  // weight: f32 contiguous [out, in], on any device; shared. index: place among the linears of the
  // model. arch_json: borrowed, must outlive this object. tie_abs_max: as in assay_linear.
  linear_view(const model::linear_op &linear, int32_t index, at::Tensor weight,
              const std::string &arch_json, double tie_abs_max);
  linear_view(const linear_view &) = delete;
  const assay_linear &get() const { return layer_; }
  void set_clip(at::Tensor min, at::Tensor max, int64_t group_size);  // [out, groups] f32
  void set_start(const quantized_linear &form);  // the form to start from; shares its tensors
  void set_tie_abs_max(double most) { layer_.tie_abs_max = most; }
  void add_flags(uint32_t flags) { layer_.flags |= flags; }  // ASSAY_LINEAR_...

 private:
  std::string name_, role_, tie_group_;
  plug::tensor_ref weight_, bias_, clip_min_, clip_max_;
  std::optional<plug::form_view> start_;
  assay_linear layer_{};
};

// A quantized linear as plugins see it; shares the linear's tensors.
plug::form_view view_of(const quantized_linear &linear);

// Statistics of an input as plugins see them; undefined tensors become NULL. first: those of tokens
// at position 0 alone; null = none.
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

// The statistics that a plugin asks for. ASSAY_NEED_HESSIAN_FIRST is left out: linear_jobs.cpp reads
// that bit itself (job_list::needs_first_token_hessian).
statistics_needs needs_of(const assay_needs &needs);

}  // namespace assay::quant
