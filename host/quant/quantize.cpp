// Executes a recipe: instances for all linears, the calibration pass where one is needed, every
// linear through its
// quantizer, and the count of what came out.
#include "quant/quantize.hpp"

#include <ATen/core/grad_mode.h>

#include <atomic>
#include <chrono>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/resources.hpp"
#include "plug/registry.hpp"
#include "quant/activation.hpp"
#include "quant/calibrate.hpp"
#include "quant/linear_run.hpp"
#include "quant/statistics_cache.hpp"
#include "quant/summary.hpp"
#include "quant/transform_run.hpp"

#include <ATen/Parallel.h>

namespace assay::quant {
namespace {

using clock = std::chrono::steady_clock;

// A linear that will be quantized, with an instance of its own: so all calls of one instance keep
// their order
// whatever the schedule.
struct task {
  model::linear_op *linear;  // of the result's decoder; borrow
  int32_t index;             // among the linears of the model
  std::unique_ptr<plug::quantizer_instance> quantizer;
  assay_needs needs{};
  double tie_abs_max = 0;
  quantized_linear form;
};

at::Tensor float_weight(const model::linear_op &linear) {
  return linear.weight.to(at::kFloat).contiguous();
}

class execution {
 public:
  execution(const model::decoder &decoder, const recipe &what, const calibration *data,
            const quantize_options &options)
      : what_(what), data_(data), options_(options) {
    out_.decoder = decoder;
    out_.made_by = what;
    arch_json_ = arch_facts(decoder.config()).dump();
    if (!what_.activation.is_null()) activation_ = complete_activation(what_.activation);
    refuse_what_is_missing();
  }

  quantized_model run(const model::checkpoint &subject) {
    const auto start = clock::now();
    const bool fresh_peak = reset_peak_resident();
    at::NoGradGuard no_grad;
    if (!what_.transforms.empty()) {
      transformed_ = run_transforms(out_.decoder, what_, data_, out_.incidents, options_.progress);
      out_.edited = std::move(transformed_.edited);
      out_.metadata["transforms"] = std::move(transformed_.report);
    }
    if (what_.quantizer) {
      prepare();
      if (needs_.any())
        run_calibrated();
      else
        run_data_free();
      collect();
    }
    out_.summary = summarize(out_, subject);
    out_.summary["kept"] = kept_;
    out_.summary["seconds"] = std::chrono::duration<double>(clock::now() - start).count();
    out_.summary["plugin_seconds"] = plugin_seconds_;
    out_.summary["peak_memory_bytes"] = fresh_peak ? json(peak_resident_bytes()) : json();
    out_.metadata["recipe"] = what_.to_json();
    if (data_) out_.metadata["calibration"] = data_->to_json();
    if (!pass_facts_.is_null()) out_.metadata["calibration_pass"] = pass_facts_;
    return std::move(out_);
  }

 private:
  void refuse_what_is_missing() const {
    if (!what_.kv.is_null())
      throw error(error_kind::usage, "key-value schemes are not implemented yet").at("recipe.kv");
    if (what_.quantizer && !is_kept(what_, "lm_head", "lm_head"))
      throw error(error_kind::usage, "quantizing lm_head is not implemented yet")
          .at("recipe.keep")
          .hint("Add 'lm_head' to keep");
  }

  plug::instance_options instance_options(const std::string &) {
    plug::instance_options options;
    options.seed = what_.seed;
    options.checked = options_.checked;
    options.ledger = [this](const plug::ledger_event &event) {
      out_.incidents.add({event.event, event.layer, event.detail, {{"count", event.count}}});
    };
    return options;
  }

  void prepare() {
    const auto &component = plug::plugins().find(plug::kind::quantizer, what_.quantizer->id);
    int32_t index = 0;
    for (auto *linear : out_.decoder.linears()) {
      const int32_t place = index++;
      if (is_kept(what_, linear->name, linear->role)) {
        kept_.push_back(linear->name);
        continue;
      }
      task t{linear, place, nullptr, {}, 0, {}};
      t.quantizer = std::make_unique<plug::quantizer_instance>(
          component, config_for_linear(what_, linear->name, linear->role),
          instance_options(linear->name), "recipe.quantizer");
      const layer_view view(*linear, place, float_weight(*linear), arch_json_, 0);
      t.needs = t.quantizer->needs(view.get());
      if (t.needs.schedule & (ASSAY_SCHEDULE_WHOLE_BLOCK | ASSAY_SCHEDULE_BLOCK_LOSS))
        throw error(error_kind::usage, "quantizers of whole blocks are not implemented yet")
            .plugin(component.id);
      if (t.needs.statistics & ASSAY_NEED_CROSS)
        throw error(error_kind::usage, "cross-moments of two streams are not implemented yet")
            .plugin(component.id);
      needs_ |= needs_of(t.needs);
      first_ |= (t.needs.statistics & ASSAY_NEED_HESSIAN_FIRST) != 0;
      tasks_.push_back(std::move(t));
    }
    kept_.emplace_back("lm_head");
    if (needs_.any() && !data_)
      throw error(error_kind::usage, "'" + component.id + "' needs calibration data")
          .at("recipe.quantizer")
          .hint("Give quantize a calibration");
    share_extremes();
  }

  // max |w| over the members of each tie group.
  void share_extremes() {
    std::vector<double> own(tasks_.size());
    for_each_task([&](size_t i) { own[i] = tasks_[i].linear->weight.abs().max().item<double>(); });
    std::map<std::string, double> shared;
    for (size_t i = 0; i < tasks_.size(); ++i) {
      auto &most = shared[tie_group(*tasks_[i].linear)];
      most = std::max(most, own[i]);
    }
    for (size_t i = 0; i < tasks_.size(); ++i) {
      const auto group = tie_group(*tasks_[i].linear);
      tasks_[i].tie_abs_max = group.empty() ? own[i] : shared[group];
    }
  }

  // body(i) for every task, on all threads; ATen runs serially inside.
  void for_each_task(const std::function<void(size_t)> &body, bool report = false) {
    std::atomic<size_t> next{0}, done{0};
    const int64_t workers = at::get_num_threads();
    at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t) {
      at::NoGradGuard no_grad;  // thread-local
      for (size_t i = next++; i < tasks_.size(); i = next++) {
        throw_if_cancelled();
        body(i);
        ++done;
        if (report && begin == 0)
          report_progress(options_.progress, done, tasks_.size(), tasks_[i].linear->name);
      }
    });
  }

  void show_clip(layer_view &view, const std::string &name) const {
    const auto found = transformed_.clips.find(name);
    if (found == transformed_.clips.end()) return;
    view.set_clip(found->second.min, found->second.max, found->second.group_size);
  }

  void run_data_free() {
    for_each_task(
        [&](size_t i) {
          auto &t = tasks_[i];
          const auto weight = float_weight(*t.linear);
          layer_view view(*t.linear, t.index, weight, arch_json_, t.tie_abs_max);
          show_clip(view, t.linear->name);
          accept(t, run_linear(*t.quantizer, view, weight, nullptr));
        },
        true);
  }

  void run_calibrated() {
    // Under "quantized" the pass runs on the result itself, whose weights change as it goes; under
    // "fp" on the float
    // model.
    const bool quantized = what_.propagation == propagation_policy::quantized;
    calibrate_options options;
    options.needs = needs_;
    options.sink = first_ || what_.sink_weight > 0;
    options.progress = options_.progress;
    options.wanted = [this](int64_t block, model::linear_group group) {
      for (const auto &t : tasks_)
        if (t.linear->block == block && t.linear->group == group) return true;
      return false;
    };
    const auto visitor = [this](calibration_stop &stop) { visit(stop); };
    if (quantized)
      pass_facts_ = calibrate(out_.decoder, *data_, options, visitor);
    else
      pass_facts_ = calibrate_float(model::decoder(out_.decoder), *data_, options, visitor);
  }

  void visit(calibration_stop &stop) {
    bool first = true;
    for (auto &t : tasks_) {
      if (t.linear->block != stop.block || t.linear->group != stop.group) continue;
      throw_if_cancelled();
      if (std::exchange(first, false)) check_statistics(stop, *t.linear);
      const auto sums = needs_.hessian && what_.sink_weight > 0
                            ? stop.statistics.with_sink(stop.sink, what_.sink_weight)
                            : stop.statistics;
      const stats_view stats(sums, stop.sink.n_tokens ? &stop.sink : nullptr, what_.propagation,
                             static_cast<int64_t>(data_->sequences().size()));
      const auto weight = float_weight(*t.linear);
      layer_view view(*t.linear, t.index, weight, arch_json_, t.tie_abs_max);
      show_clip(view, t.linear->name);
      for (const auto &chunk : sums.raw) {
        const plug::tensor_ref tokens(chunk.contiguous());
        t.quantizer->observe(view.get(), *tokens.get());
      }
      accept(t, run_linear(*t.quantizer, view, weight, stats.get(), stop.statistics.hessian));
    }
  }

  void check_statistics(const calibration_stop &stop, const model::linear_op &linear) {
    if (stop.n_non_finite > 0)
      throw error(error_kind::failed,
                  std::to_string(stop.n_non_finite) + " values of the input are not finite")
          .layer(linear.name)
          .hint("Look for NaN or Inf in the subject's weights, or load it as float32");
    const int64_t tokens = stop.statistics.n_tokens, width = linear.in_features();
    if (!needs_.hessian || tokens >= width) return;
    const double ratio = static_cast<double>(tokens) / static_cast<double>(width);
    if (ratio < what_.min_token_ratio)
      throw error(error_kind::usage, "calibration has " + std::to_string(tokens) +
                                         " counted tokens for inputs of width " +
                                         std::to_string(width))
          .layer(linear.name)
          .hint("Give more tokens, or allow it with min_token_ratio");
    out_.incidents.add({"low_rank",
                        linear.name,
                        "the Hessian has fewer tokens than columns",
                        {{"tokens", tokens}, {"columns", width}}});
  }

  void accept(task &t, linear_result result) {
    t.linear->weight = result.weight.to(t.linear->weight.scalar_type());
    if (!activation_.is_null()) set_activation(*t.linear, activation_);
    t.form = std::move(result.form);
  }

  void collect() {
    for (auto &t : tasks_) {
      if (t.form.name.empty())
        throw error(error_kind::failed, "the pass ended without this linear").layer(t.linear->name);
      plugin_seconds_ += t.quantizer->seconds();
      out_.order.push_back(t.form.name);
      out_.forms.emplace(t.form.name, std::move(t.form));
    }
  }

  const recipe &what_;
  const calibration *data_;
  const quantize_options &options_;
  quantized_model out_;
  std::string arch_json_;
  transform_outcome transformed_;
  json activation_, pass_facts_, kept_ = json::array();
  std::vector<task> tasks_;
  statistics_needs needs_;
  bool first_ = false;
  double plugin_seconds_ = 0;
};

}  // namespace

quantized_model quantize(const model::checkpoint &subject, const model::decoder &decoder,
                         const recipe &what, const calibration *data,
                         const quantize_options &options) {
  return execution(decoder, what, data, options).run(subject);
}

}  // namespace assay::quant
