// Runs a quantizer plugin on one linear (weight matrix), for the tests of quantizers.
// Tests of whole models are in tests/unit/quant/model_quantize_test.cpp.
#pragma once

#include <memory>
#include <string>

#include "aten.hpp"
#include "core/error.hpp"
#include "plug/bridge.hpp"
#include "plug/registry.hpp"
#include "quant/linear_run.hpp"
#include "quant/views/plugin_services.hpp"

namespace quant_test {

// Makes the plugins of this build known to the host; later calls do nothing.
inline void use_plugins() {
  static const bool once = [] {
    assay::quant::install_plugin_services();
    assay::plug::set_plugin_folders({std::string(ASSAY_BUILD_DIR) + "/plugins"});
    return true;
  }();
  static_cast<void>(once);
}

// Runs `body` and returns the text of the error that it throws, or "accepted".
template <class F>
std::string complaint(F &&body) {
  try {
    body();
  } catch (const assay::error &problem) {
    return problem.what();
  }
  return "accepted";
}

inline assay::model::linear_op linear_of(const at::Tensor &weight,
                                         const std::string &name = "model.layers.0.mlp.up_proj") {
  assay::model::linear_op linear;
  linear.name = name;
  linear.role = "mlp.up";
  linear.block = 0;
  linear.group = assay::model::linear_group::gate_up;
  linear.weight = weight;
  return linear;
}

// Lower and upper limits for the weights of each group, as a transform that clips weights passes them to the quantizer.
struct clip {
  at::Tensor low, high;  // [out, number of groups] f32; undefined: no limits
  int64_t group_size = 0;
};

// Runs the quantizer `id` on one weight [out, in] with these statistics of its input. `events`, if given, gets
// the quantizer's ledger entries.
inline assay::quant::linear_result run(const std::string &id, const assay::json &config,
                                       const at::Tensor &weight,
                                       const assay::quant::input_statistics &sums,
                                       assay::quant::ledger *events = nullptr,
                                       const clip &limits = {}) {
  using namespace assay;
  use_plugins();
  plug::instance_options options;
  if (events)
    options.ledger = [events](const plug::ledger_event &event) {
      events->add({event.event, event.layer, event.detail, {{"count", event.count}}});
    };
  plug::quantizer_instance quantizer(plug::plugins().find(plug::kind::quantizer, id), config,
                                     options);
  const auto linear = linear_of(weight);
  quant::linear_view view(linear, 0, weight, "{}", weight.abs().max().item<double>());
  if (limits.low.defined()) view.set_clip(limits.low, limits.high, limits.group_size);
  quantizer.needs(view.get());
  const auto policy =
      sums.cross.defined() ? quant::propagation_policy::asymmetric : quant::propagation_policy::fp;
  const quant::stats_view stats(sums, nullptr, policy, 1);
  return quant::run_linear(quantizer, view, weight, sums.hessian.defined() ? stats.get() : nullptr,
                           sums.hessian);
}

// Runs the quantizer with two statistics: a Hessian [in, in], and the mean squares of the inputs, which are the
// Hessian's diagonal divided by n_tokens. If the Hessian is undefined, the quantizer gets no statistics.
inline assay::quant::linear_result run(const std::string &id, const assay::json &config,
                                       const at::Tensor &weight, const at::Tensor &hessian = {},
                                       int64_t n_tokens = 1,
                                       assay::quant::ledger *events = nullptr) {
  assay::quant::input_statistics sums;
  sums.n_tokens = n_tokens;
  sums.hessian = hessian;
  if (hessian.defined())
    sums.sq_mean = hessian.diagonal().contiguous() / static_cast<double>(n_tokens);
  return run(id, config, weight, sums, events);
}

}  // namespace quant_test
