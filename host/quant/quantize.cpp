// Executes a recipe: the calibration pass where one is needed, every linear through its quantizer
// (or every block, where the quantizer works on those), and the count of what came out.
#include "quant/quantize.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <optional>

#include "calibration/calibrate.hpp"
#include "calibration/statistics_cache.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "plug/bridge.hpp"
#include "plug/registry.hpp"
#include "quant/export/config_edits.hpp"
#include "quant/export/summary.hpp"
#include "quant/linear_jobs.hpp"
#include "quant/linear_patterns.hpp"
#include "quant/linear_run.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"
#include "quant/schemes/scheme_files.hpp"
#include "quant/streaming/block_residency.hpp"
#include "quant/streaming/edited_blocks.hpp"
#include "quant/streaming/held_table.hpp"
#include "quant/transforms/correction_run.hpp"
#include "quant/transforms/transform_run.hpp"
#include "quant/tuning/tune.hpp"
#include "quant/views/block_runner.hpp"
#include "quant/views/block_view.hpp"

namespace assay::quant {
namespace {

using model::linear_group;

class execution {
 public:
  execution(const model::checkpoint &subject, const model::decoder &decoder, const recipe &what,
            const calibration *data, const quantize_options &options)
      : subject_(subject), float_(decoder), what_(what), data_(data), options_(options) {
    if (decoder.on_demand()) require_by_block(what, !options.resume.empty());
    out_.decoder = decoder;
    out_.made_by = what;
    arch_json_ = arch_facts(decoder.config()).dump();
    activation_ = complete_schemes(out_.made_by, data != nullptr);
    if (!what_.tune.is_null()) out_.made_by.tune = complete_tune(what_.tune);
  }

  quantized_model run() {
    const run_cost cost;
    at::NoGradGuard no_grad;
    if (!what_.transforms.empty()) {
      transformed_ = run_transforms(out_.decoder, out_.made_by, data_, out_.incidents,
                                    options_.progress, options_.resume);
      out_.edited = std::move(transformed_.edited);
      out_.fetch_edited = std::move(transformed_.fetch_edited);
      out_.online = std::move(transformed_.online);
      out_.metadata["transforms"] = std::move(transformed_.report);
    }
    const bool corrected = what_.quantizer && has_corrections(out_.decoder, what_, out_.incidents);
    const auto before = corrected ? std::optional(out_.decoder) : std::nullopt;
    if (what_.quantizer) {
      list_ = make_tasks(out_.decoder, what_, instance_options(), arch_json_, out_.incidents);
      if (!activation_.is_null()) list_.needs |= activation_needs(activation_);
      if (list_.needs.any() || needs_blocks())
        run_calibrated();
      else
        run_data_free();
      collect();
      if (const auto &knobs = out_.made_by.tune; !knobs.is_null())
        out_.metadata["tune"] =
            tune(out_, float_, subject_, data_, knobs, what_.seed, options_.progress);
    }
    if (corrected)
      for (auto &entry :
           run_corrections(out_, *before, what_, data_, options_.progress, options_.resume))
        out_.metadata["transforms"].push_back(std::move(entry));
    complete_biases(out_);
    if (!out_.made_by.kv.is_null())
      store_kv_scales(out_, set_kv(out_.decoder, out_.made_by.kv, data_, options_.progress));
    out_.summary = summarize(out_, subject_);
    out_.summary["kept"] = list_.kept;
    cost.put_into(out_.summary, plugin_seconds_);
    out_.metadata["recipe"] = out_.made_by.to_json();
    if (data_) {
      out_.metadata["calibration"] = data_->to_json();
      note_samples(*data_, out_.incidents);
    }
    if (!pass_facts_.is_null()) out_.metadata["calibration_pass"] = pass_facts_;
    return std::move(out_);
  }

 private:
  plug::instance_options instance_options() {
    plug::instance_options options;
    options.seed = what_.seed;
    options.checked = options_.checked;
    options.ledger = [this](const plug::ledger_event &event) {
      out_.incidents.add({event.event, event.layer, event.detail, {{"count", event.count}}});
    };
    return options;
  }

  bool needs_blocks() const {
    for (const auto &t : list_.tasks)
      if (t.whole_block()) return true;
    return false;
  }

  // One linear after another: a quantizer's own loops take all threads (host->parallel_for).
  void run_data_free() {
    const at::NoGradGuard no_grad;
    if (data_ && out_.decoder.on_demand()) {
      open_store();
      keeper_.restore();
    }
    size_t done = 0;
    int64_t block = -1;
    for (linear_task &task : list_.tasks) {
      if (task.done()) continue;
      throw_if_cancelled();
      if (task.linear->block != block) {
        keeper_.finish(block);
        keeper_.begin(block = task.linear->block);
      }
      work_alone(task, nullptr, {});
      report_progress(options_.progress, ++done, list_.tasks.size(), task.linear->name);
    }
    keeper_.finish(block);
  }

  void work_alone(linear_task &t, const assay_stats *stats, const at::Tensor &hessian,
                  const input_statistics *inputs = nullptr) {
    const held_table held(out_.decoder, *t.linear);
    auto weight = float_weight(*t.linear);
    if (t.needs_cpu()) weight = weight.cpu();
    layer_view view(*t.linear, t.index, transformed_.clipped(t.linear->name, weight), arch_json_,
                    t.tie_abs_max);
    if (list_.table && t.linear == list_.table.get() && !list_.table_alone)
      view.add_flags(ASSAY_LAYER_TIED | ASSAY_LAYER_LM_HEAD);
    show_clip(view, t.linear->name);
    accept(t, run_linear(*t.quantizer, view, weight, stats, hessian), inputs);
  }

  void show_clip(layer_view &view, const std::string &name) const {
    const auto found = transformed_.clips.find(name);
    if (found == transformed_.clips.end()) return;
    view.set_clip(found->second.min, found->second.max, found->second.group_size);
  }

  // --- with data ---

  // Under "fp" the pass runs on the float model; otherwise on the result itself, whose weights
  // change as it goes, and under "asymmetric" on both.
  void run_calibrated() {
    if (!data_)
      throw error(error_kind::usage, "'" + what_.quantizer->id + "' needs calibration data")
          .at("recipe.quantizer")
          .hint("Give quantize a calibration");
    if (list_.table_alone) work_table();
    open_store();
    model::decoder reference(out_.decoder);  // shares tensors; what is quantized is replaced
    reference_ = &reference;
    const bool two_streams = what_.propagation == propagation_policy::asymmetric;
    keeper_.restore();
    calibrate_options options;
    options.needs = list_.needs;
    options.sink = list_.first || what_.sink_weight > 0;
    options.chunk_tokens = options_.chunk_tokens;
    if (out_.decoder.on_demand()) options.stage_folder = options_.resume;
    options.progress = options_.progress;
    options.wanted = [this](int64_t block, linear_group group) {
      for (const auto &t : list_.tasks)
        if (!t.done() && t.at(block, group)) return true;
      return false;
    };
    if (needs_blocks()) {
      options.whole = [this](int64_t block) {
        for (const auto &t : list_.tasks)
          if (!t.done() && t.linear->block == block) return true;
        return false;
      };
      options.visit_block = [this](calibration_block &seen) { visit_block(seen); };
    }
    options.block_begins = [&](int64_t block) {
      if (block > 0) give_back(block - 1);
      keeper_.begin(block);
      if (two_streams) reference.bring_in(block);
    };
    options.block_done = [&](int64_t block) {
      keeper_.finish(block);
      if (two_streams) reference.let_go(block);
    };
    options.smaller_chunks = [this](const std::string &where, int64_t rows) {
      out_.incidents.add(
          {"smaller_chunks", where, "memory ran short, chunks were halved", {{"rows", rows}}});
    };
    const auto visitor = [this](calibration_stop &stop) { visit(stop); };
    if (two_streams) options.reference = &reference;
    if (what_.propagation == propagation_policy::fp)
      pass_facts_ = calibrate_float(reference, *data_, options, visitor);
    else
      pass_facts_ = calibrate(out_.decoder, *data_, options, visitor);
    if (keeper_.is_open()) pass_facts_["resumed_blocks"] = keeper_.restored();
  }

  // An untied embedding has no inputs to learn from: all columns count alike.
  void work_table() {
    for (auto &t : list_.tasks) {
      if (t.linear != list_.table.get()) continue;
      const auto sums = input_statistics::uniform(t.linear->out_features(), t.linear->in_features(),
                                                  out_.decoder.device());
      const stats_view stats(sums, nullptr, what_.propagation, 0);
      work_alone(t, stats.get(), sums.hessian);
    }
  }

  input_statistics sums_of(const calibration_stop &stop) const {
    return list_.needs.hessian && what_.sink_weight > 0
               ? stop.statistics.with_sink(stop.sink, what_.sink_weight)
               : stop.statistics;
  }

  stats_view stats_of(const calibration_stop &stop, const input_statistics &sums) const {
    return stats_view(sums, stop.sink.n_tokens ? &stop.sink : nullptr, what_.propagation,
                      static_cast<int64_t>(data_->sequences().size()));
  }

  void visit(calibration_stop &stop) {
    bool first = true;
    for (auto &t : list_.tasks) {
      if (t.done() || !t.at(stop.block, stop.group)) continue;
      throw_if_cancelled();
      if (std::exchange(first, false)) check_rank(stop, *t.linear);
      auto sums = sums_of(stop);
      if (t.needs_cpu()) sums = sums.on(at::kCPU);
      const auto stats = stats_of(stop, sums);
      if (!sums.raw.empty()) observe(t, sums);
      const auto &plain = stop.statistics.hessian;  // errors are measured without the sink's share
      work_alone(t, stats.get(), plain.defined() && t.needs_cpu() ? plain.cpu() : plain,
                 &stop.statistics);
    }
  }

  void observe(linear_task &t, const input_statistics &sums) {
    const held_table held(out_.decoder, *t.linear);
    const layer_view view(*t.linear, t.index, float_weight(*t.linear), arch_json_, t.tie_abs_max);
    for (const auto &chunk : sums.raw) {
      const plug::tensor_ref tokens(chunk.contiguous());
      t.quantizer->observe(view.get(), *tokens.get());
    }
  }

  // One call for all linears of a block, by the first one's instance.
  void visit_block(calibration_block &seen) {
    auto &block = out_.decoder.block(seen.block);
    const auto linears = block.linears();
    std::vector<linear_task *> tasks(linears.size());
    for (auto &t : list_.tasks)
      for (size_t i = 0; i < linears.size(); ++i)
        if (t.linear == linears[i] && !t.done()) tasks[i] = &t;
    block_statistics sums;
    for (auto &[group, stop] : seen.stops) {
      if (list_.needs.any()) check_rank(stop, *stop.linears.front());
      sums[group] = sums_of(stop);
    }
    block_view view(block, out_.decoder.n_blocks(), sums, what_.propagation,
                    static_cast<int64_t>(data_->sequences().size()), arch_json_, "");
    block_runner runner(source_of(out_.decoder, block, seen.streams, reference_));
    view.set_handle(runner.handle());
    std::vector<std::unique_ptr<stats_view>> stats;
    std::vector<const assay_stats *> stat_tables;
    std::vector<bool> wanted;
    linear_task *speaker = nullptr;
    for (size_t i = 0; i < linears.size(); ++i) {
      const auto &stop = seen.stops.at(linears[i]->group);
      stats.emplace_back(new stats_view(stats_of(stop, sums[stop.group])));
      stat_tables.push_back(list_.needs.any() ? stats.back()->get() : nullptr);
      wanted.push_back(tasks[i] != nullptr);
      if (!tasks[i]) continue;
      if (!speaker) speaker = tasks[i];
      require_same_config(*speaker, *tasks[i]);
      view.layer(i).set_tie_abs_max(tasks[i]->tie_abs_max);
      show_clip(view.layer(i), linears[i]->name);
      view.weight(i).copy_(transformed_.clipped(linears[i]->name, view.weight(i)));
    }
    auto forms = speaker->quantizer->quantize_block(view.get(), stat_tables, wanted);
    for (size_t i = 0; i < forms.size(); ++i)
      if (forms[i])
        accept(*tasks[i],
               finish_linear(*speaker->quantizer, std::move(*forms[i]), view.layer(i),
                             float_weight(*linears[i]), sums[linears[i]->group].hessian),
               &sums[linears[i]->group]);
  }

  void check_rank(const calibration_stop &stop, const model::linear_op &linear) {
    const int64_t tokens = stop.statistics.n_tokens, width = linear.in_features();
    if (!list_.needs.hessian || tokens >= width) return;
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

  // --- blocks in and out ---

  void open_store() {
    if (options_.resume.empty()) return;
    const auto &component = plug::plugins().find(plug::kind::quantizer, what_.quantizer->id);
    json transforms = json::array();
    for (const auto &choice : what_.transforms)
      transforms.push_back(plug::plugins().find(plug::kind::transform, choice.id).identity());
    keeper_.open(options_.resume, json{{"subject", subject_.fingerprint()},
                                       {"recipe", what_.hash()},
                                       {"calibration", data_->hash()},
                                       {"quantizer", component.identity()},
                                       {"transforms", transforms},
                                       {"threads", at::get_num_threads()},
                                       {"chunk_tokens", options_.chunk_tokens}});
  }

  // Pages of weights that were used where they lie in the file.
  void give_back(int64_t block) const {
    for (const auto *linear : out_.decoder.block(block).linears())
      subject_.tensors().give_back(linear->name + ".weight");
  }

  void accept(linear_task &t, linear_result result, const input_statistics *inputs = nullptr) {
    put_weight(t, result.weight);
    put_form(t, std::move(result.form), inputs);
  }

  void put_weight(linear_task &t, const at::Tensor &dense) {
    const auto weight = dense.to(t.linear->weight.device(), t.linear->weight.scalar_type());
    t.linear->weight = weight;
    if (!list_.table || t.linear != list_.table.get()) return;
    if (out_.decoder.on_demand())
      return edited_blocks(options_.resume).keep_table(out_.decoder, t.linear->name, weight);
    out_.decoder.embedding() = weight;
    if (!list_.table_alone) out_.decoder.head().weight = weight;
  }

  void put_form(linear_task &t, quantized_linear form, const input_statistics *inputs) {
    t.form = std::move(form);
    if (!activation_.is_null() && t.linear->block >= 0)
      round_inputs(*t.linear, t.form, activation_, inputs);
  }

  void collect() {
    for (auto &t : list_.tasks) {
      if (!t.done())
        throw error(error_kind::failed, "the pass ended without this linear").layer(t.linear->name);
      plugin_seconds_ += t.quantizer->seconds();
      out_.order.push_back(t.form.name);
      out_.forms.emplace(t.form.name, std::move(t.form));
    }
    keeper_.read_quantized();
  }

  const model::checkpoint &subject_;
  const model::decoder &float_;  // the model before the recipe
  const recipe &what_;
  const calibration *data_;
  const quantize_options &options_;
  quantized_model out_;
  std::string arch_json_;
  transform_outcome transformed_;
  json activation_, pass_facts_;
  task_list list_;
  const model::decoder *reference_ = nullptr;
  double plugin_seconds_ = 0;
  block_keeper keeper_{
      out_, list_, [this](linear_task &t, const at::Tensor &weight) { put_weight(t, weight); },
      [this](linear_task &t, quantized_linear form) { put_form(t, std::move(form), nullptr); }};
};

}  // namespace

quantized_model quantize(const model::checkpoint &subject, const model::decoder &decoder,
                         const recipe &what, const calibration *data,
                         const quantize_options &options) {
  require_patterns(what, decoder.config());
  if (data != nullptr) data->require_vocabulary(decoder.config().vocab_size);
  return execution(subject, decoder, what, data, options).run();
}

}  // namespace assay::quant
