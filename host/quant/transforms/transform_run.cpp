// Runs transforms one after another. A calibration pass over the float model takes the statistics
// for one transform, and each block is edited after its last stop. Because an edit leaves the
// function unchanged, the edit does not change the inputs of later blocks.
#include "quant/transforms/transform_run.hpp"

#include <ATen/core/grad_mode.h>

#include <optional>

#include "calibration/statistics_cache.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "model/decoder_layout.hpp"
#include "plug/registry.hpp"
#include "quant/linear_run.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/stop_statistics.hpp"
#include "quant/streaming/block_residency.hpp"
#include "quant/transforms/twin_forward.hpp"
#include "quant/views/block_runner.hpp"
#include "quant/views/outside_view.hpp"
#include "quant/views/plugin_services.hpp"

namespace assay::quant {
namespace {

// The largest allowed relative change of a block's output. Multiplying a scale into weights rounds
// them, and very large activations amplify that rounding.
constexpr double k_tolerance = 1e-4;
// The largest allowed relative change of the logits. It is larger, because a rotation of the residual
// stream changes the rounding of every product of every block.
constexpr double k_model_tolerance = 5e-4;

// Receives the edits of one call of apply. view: shows the block; null for block -1, which stands for
// the weights outside the blocks.
class edit_taker : public plug::edit_receiver {
 public:
  edit_taker(transform_outcome &out, block_view *view) : out_(out), view_(view) {}
  void set_bias(const std::string &linear, const assay_tensor &bias) override {
    inside(linear).set_bias(linear, plug::borrow(bias).clone());
  }
  void set_online(const std::string &linear, const json &operation) override {
    inside(linear).set_input_operation(linear, operation);
    json entry = operation;
    entry["layer"] = linear;
    out_.online.push_back(std::move(entry));
  }
  void set_clip(const std::string &linear, const assay_tensor &min, const assay_tensor &max,
                int64_t group_size) override {
    out_.clips[linear] = {plug::borrow(min).clone(), plug::borrow(max).clone(), group_size};
  }
  void note(const json &given) override { note_.update(given); }
  json taken() { return std::exchange(note_, json::object()); }  // facts that the plugin reported

 private:
  block_view &inside(const std::string &linear) const {
    if (!view_)
      throw error(error_kind::plugin, "only linears of blocks get biases and online operations")
          .layer(linear);
    return *view_;
  }
  transform_outcome &out_;
  block_view *view_;
  json note_ = json::object();
};

// Returns whole sequences, evenly spaced, with about `tokens` tokens together (0 = all). Trials (runs
// of a block with candidate weights) use them.
calibration part_of(const calibration &data, int64_t tokens) {
  const auto &all = data.sequences();
  const auto mean = std::max<int64_t>(1, data.n_tokens() / static_cast<int64_t>(all.size()));
  const auto n = tokens > 0
                     ? std::min<size_t>(all.size(), static_cast<size_t>((tokens + mean - 1) / mean))
                     : all.size();
  std::vector<calibration_sequence> some;
  for (size_t i = 0; i < n; ++i) some.push_back(all[i * all.size() / n]);
  return calibration(std::move(some));
}

// Applies one transform to all blocks. A transform of the whole model is also applied to the weights
// outside the blocks.
class transform_pass {
 public:
  transform_pass(model::decoder &decoder, const recipe &recipe, const component_choice &choice,
                 const calibration *data, ledger &incidents, transform_outcome &out,
                 block_residency &residency)
      : decoder_(decoder),
        residency_(residency),
        recipe_(recipe),
        data_(data),
        incidents_(incidents),
        out_(out),
        arch_json_(arch_facts(decoder.config()).dump()),
        quantizer_json_(quantizer_json(recipe)),
        activation_(recipe.activation),
        transform_(make_transform(choice, json::parse(arch_json_), recipe.seed, incidents)) {}

  void run(const progress_fn &progress) {
    decoder_.bring_in(0);
    const auto needs = transform_.needs(view_of(0, {})->get());
    decoder_.let_go(0);
    if (needs.schedule & ASSAY_SCHEDULE_AFTER) return;  // correction_run.hpp runs it later
    whole_model_ = needs.schedule & ASSAY_SCHEDULE_MODEL;
    if (needs.schedule & ASSAY_SCHEDULE_BLOCK_LOSS) start_streams(needs.max_tokens);
    const model::decoder before(decoder_);
    if (whole_model_) {
      twins_.emplace(before);
      apply_outside();
      twins_->start(decoder_);
    }
    if (needs.statistics)
      apply_calibrated(needs, before, progress);
    else
      apply_data_free(progress);
    if (whole_model_) compare();
  }

 private:
  std::unique_ptr<block_view> view_of(int64_t index, const block_statistics &statistics) const {
    return std::make_unique<block_view>(decoder_.block(index), decoder_.n_blocks(), statistics,
                                        propagation_policy::fp,
                                        data_ ? static_cast<int64_t>(data_->sequences().size()) : 0,
                                        arch_json_, quantizer_json_, whole_model_);
  }

  // Makes the streams for trials: some calibration sequences that move from block to block
  // through the float model.
  void start_streams(int64_t tokens) {
    require_data();
    for (const auto &chunk : make_chunks(part_of(*data_, tokens), 4096))
      streams_.push_back(make_stream(decoder_, chunk, false, false));
  }

  // The runner of trials on this block; null if the transform asked for none.
  std::unique_ptr<block_runner> runner_of(int64_t index) const {
    if (streams_.empty()) return nullptr;
    auto source = source_of(decoder_, decoder_.block(index), streams_);
    if (!activation_.is_null() && !is_static(activation_))
      source.now = [this, index] {  // a trial rounds the inputs of linears as the recipe does
        auto block = decoder_.block(index);
        for (auto *linear : block.linears()) set_activation(*linear, activation_);
        return block;
      };
    if (recipe_.quantizer)
      source.fake_quantize = [this, index](const std::string &name, const at::Tensor &weight) {
        return rounded(index, name, weight);
      };
    return std::make_unique<block_runner>(std::move(source));
  }

  // Returns the weight quantized by the recipe's quantizer and dequantized. Throws error(usage) if
  // the quantizer needs statistics.
  at::Tensor rounded(int64_t index, const std::string &name, const at::Tensor &weight) const {
    for (const auto *linear : std::as_const(decoder_).block(index).linears()) {
      if (linear->name != name) continue;
      model::linear_op shown = *linear;
      shown.weight = weight.contiguous();
      plug::quantizer_instance quantizer(
          plug::plugins().find(plug::kind::quantizer, recipe_.quantizer->id),
          config_for_linear(recipe_, name, linear->role), {}, "recipe.quantizer");
      const linear_view view(shown, 0, shown.weight, arch_json_,
                             shown.weight.abs().max().item<double>());
      if (needs_of(quantizer.needs(view.get())).any())
        throw error(error_kind::usage,
                    "'" + recipe_.quantizer->id +
                        "' needs statistics, so trials of a transform cannot use it");
      return run_linear(quantizer, view, shown.weight, nullptr).weight;
    }
    throw error(error_kind::usage, "the block has no linear '" + name + "'");
  }

  void require_data() const {
    if (!data_)
      throw error(error_kind::usage, "'" + transform_.made_by().id + "' needs calibration data")
          .at("recipe.transforms")
          .hint("Give quantize a calibration");
  }

  void apply_data_free(const progress_fn &progress) {
    const auto total = static_cast<uint64_t>(decoder_.n_blocks());
    for (int64_t i = 0; i < decoder_.n_blocks(); ++i) {
      report_progress(progress, static_cast<uint64_t>(i), total, transform_.made_by().id);
      apply(i, {});
    }
  }

  void apply_calibrated(const assay_needs &needs, const model::decoder &before,
                        const progress_fn &progress) {
    require_data();
    calibrate_options asked;
    asked.needs = needs_of(needs);
    asked.progress = progress;
    asked.activation_folder = residency_.activation_folder();
    // The norm in front of experts has the statistics of all tokens; those of each expert's part are not used.
    asked.wanted = [](int64_t block, model::linear_input input) {
      return block >= 0 && (input.expert < 0 || input.group == model::linear_group::down);
    };
    asked.experts = recipe_.experts;
    asked.starved = [this](const starved_input &one) {
      note_starved(one, transform_.made_by().id, incidents_);
    };
    block_statistics statistics;
    // The pass runs on the model as it was before this transform.
    calibrate_float(before, *data_, asked, [&](calibration_stop &stop) {
      statistics[stop.input()] = std::move(stop.statistics);
      if (!stop.last) return;
      apply(stop.block, statistics);
      statistics.clear();
    });
  }

  void apply_outside() {
    outside_view view(decoder_, arch_json_, quantizer_json_);
    transform_.needs(view.get());
    edit_taker edits(out_, nullptr);
    transform_.apply(view.get(), edits);
    const bool was_tied = decoder_.config().tied;
    view.put_into(decoder_, residency_);
    out_.edited["model.embed_tokens.weight"] = decoder_.embedding();
    out_.edited["model.norm.weight"] = decoder_.norm();
    if (!decoder_.config().tied) out_.edited["lm_head.weight"] = decoder_.head().weight;
    if (was_tied && !decoder_.config().tied)
      incidents_.add({"untied_head",
                      "lm_head",
                      "the head no longer equals the embedding",
                      {{"transform", transform_.made_by().id}}});
    report(-1, json(), edits);
  }

  void apply(int64_t index, const block_statistics &statistics) {
    throw_if_cancelled();
    decoder_.bring_in(index);
    auto &block = decoder_.block(index);
    const auto view = view_of(index, statistics);
    for (const auto &[input, sums] : statistics)
      for (const auto &chunk : sums.raw) observe(*view, input, chunk);
    const auto runner = runner_of(index);
    if (runner) view->set_handle(runner->handle());
    transform_.needs(view->get());
    edit_taker edits(out_, view.get());
    transform_.apply(view->get(), edits);
    auto changed = view->edited();
    json moved;
    if (!whole_model_) {
      const double by = block_difference(block, changed);
      refuse_if(!(by <= k_tolerance), "the block's function", by, k_tolerance,
                "block " + std::to_string(index));
      moved = by;
    }
    if (twins_) twins_->across(block, changed);
    remember(block, changed);
    for (auto &s : streams_) s = s.across(block, nullptr);
    block = std::move(changed);
    residency_.store_block(block);
    decoder_.let_go(index);
    report(index, moved, edits);
  }

  // Shows the tokens of one input to the transform, once for each group of channels whose consumers
  // (the linears that read the channels) have this input.
  void observe(const block_view &view, model::linear_input input, const at::Tensor &chunk) {
    const plug::tensor_ref tokens(chunk.contiguous());
    const auto &block = decoder_.block(view.get().index);
    for (uint32_t i = 0; i < view.get().n_groups; ++i)
      for (const auto *linear : block.linears())
        if (linear->input() == input && linear->name == view.get().groups[i]->consumers[0]->name)
          transform_.observe(*view.get().groups[i], *tokens.get());
  }

  void refuse_if(bool bad, const char *function, double by, double limit,
                 const std::string &where) {
    if (!bad) return;
    throw error(error_kind::plugin, std::string(function) + " moved by " + std::to_string(by) +
                                        " (relative), more than " + std::to_string(limit))
        .plugin(transform_.made_by().id)
        .layer(where);
  }

  // Returns the relative distance of the two blocks' outputs on random hidden states of unit scale. A
  // transform must not change the output of a block for any input, so no calibration data is needed.
  double block_difference(const model::decoder_block &before,
                          const model::decoder_block &after) const {
    const auto generator = at::detail::createCPUGenerator(17);
    const auto h = at::randn({1, 32, decoder_.config().hidden_size}, generator, at::kFloat)
                       .to(decoder_.device(), decoder_.dtype());
    const auto context = decoder_.context(1, 32);
    return relative_distance(before.forward(h, context) - h, after.forward(h, context) - h);
  }

  void compare() {
    const double by = twins_->difference(decoder_);
    refuse_if(!(by <= k_model_tolerance), "the model's function", by, k_model_tolerance, "logits");
    out_.report.push_back(
        {{"transform", transform_.made_by().identity()}, {"block", "all"}, {"difference", by}});
  }

  // moved: the measured difference; null = none was measured for this block.
  void report(int64_t index, const json &moved, edit_taker &edits) {
    json entry = {{"transform", transform_.made_by().identity()}, {"block", index}};
    if (!moved.is_null()) entry["difference"] = moved;
    entry["note"] = edits.taken();
    out_.report.push_back(std::move(entry));
  }

  // Lists all tensors of the block as edited.
  void remember(const model::decoder_block &before, const model::decoder_block &after) {
    for (const model::norm_layout &norm : model::norms_of(after))
      if (model::feeds_linears(norm))
        out_.edited[model::block_prefix(before.index) + norm.module + ".weight"] = after.*norm.part;
    for (const auto *linear : after.linears()) {
      out_.edited[linear->name + ".weight"] = residency_.held_part(linear->weight);
      if (linear->bias.defined()) out_.edited[linear->name + ".bias"] = linear->bias;
    }
  }

  model::decoder &decoder_;
  block_residency &residency_;
  const recipe &recipe_;
  const calibration *data_;
  ledger &incidents_;
  transform_outcome &out_;
  std::string arch_json_, quantizer_json_;
  json activation_;  // the recipe's scheme with defaults; null = none
  plug::transform_instance transform_;
  std::vector<calibration_stream> streams_;  // at the start of the block that is edited
  std::optional<twin_forward> twins_;        // of a transform of the whole model
  bool whole_model_ = false;
};

}  // namespace

at::Tensor clip_limits::applied(const at::Tensor &weight) const {
  const int64_t in = weight.size(1), size = group_size > 0 ? group_size : in;
  const auto wide = [&](const at::Tensor &limit) {
    return limit.repeat_interleave(size, 1).narrow(1, 0, in);
  };
  return at::minimum(at::maximum(weight, wide(min)), wide(max));
}

at::Tensor transform_outcome::clipped(const std::string &linear, const at::Tensor &weight) const {
  const auto found = clips.find(linear);
  return found == clips.end() ? weight : found->second.applied(weight);
}

plug::transform_instance make_transform(const component_choice &choice, const json &arch,
                                        uint64_t seed, ledger &incidents) {
  plug::transform_instance made(plug::plugins().find(plug::kind::transform, choice.id),
                                choice.config, plugin_options(seed, incidents),
                                "recipe.transforms");
  made.check(arch);
  return made;
}

std::string quantizer_json(const recipe &recipe) {
  if (!recipe.quantizer) return "";
  const auto &component = plug::plugins().find(plug::kind::quantizer, recipe.quantizer->id);
  return json{{"id", recipe.quantizer->id},
              {"config", component.complete_config(recipe.quantizer->config, "recipe.quantizer")}}
      .dump();
}

transform_outcome run_transforms(model::decoder &decoder, const recipe &recipe,
                                 const calibration *data, ledger &incidents,
                                 const progress_fn &progress, block_residency &residency) {
  at::NoGradGuard no_grad;
  transform_outcome out;
  for (const auto &choice : recipe.transforms)
    transform_pass(decoder, recipe, choice, data, incidents, out, residency).run(progress);
  return out;
}

}  // namespace assay::quant
