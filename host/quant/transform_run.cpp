// Runs transforms: one pass over the float model for all statistics of one transform, edits at the end of each block.
// Since an edit leaves the function unchanged, later blocks see the same inputs either way.
#include "quant/transform_run.hpp"

#include <ATen/core/grad_mode.h>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "plug/registry.hpp"
#include "plug/transform.hpp"
#include "quant/block_view.hpp"
#include "quant/statistics_cache.hpp"

namespace assay::quant {
namespace {

// Folding a scale costs a few roundings of each product; massive activations (methods-on-smollm2.md) amplify them.
constexpr double k_tolerance = 1e-4;

class receiver : public plug::edit_receiver {
 public:
  explicit receiver(transform_outcome &out) : out_(out) {}
  void set_bias(const std::string &layer, const assay_tensor &) override {
    refuse(layer, "biases");
  }
  void set_online(const std::string &layer, const json &) override {
    refuse(layer, "online operations");
  }
  void set_clip(const std::string &layer, const assay_tensor &min, const assay_tensor &max,
                int64_t group_size) override {
    out_.clips[layer] = {plug::borrow(min).clone(), plug::borrow(max).clone(), group_size};
  }
  void note(const json &given) override { note_.update(given); }
  json taken() { return std::exchange(note_, json::object()); }

 private:
  [[noreturn]] static void refuse(const std::string &layer, const char *what) {
    throw error(error_kind::failed, std::string(what) + " of transforms are not implemented yet")
        .layer(layer);
  }
  transform_outcome &out_;
  json note_ = json::object();
};

class stage {
 public:
  stage(model::decoder &decoder, const recipe &what, const component_choice &choice,
        const calibration *data, ledger &incidents, transform_outcome &out)
      : decoder_(decoder),
        what_(what),
        data_(data),
        out_(out),
        arch_json_(arch_facts(decoder.config()).dump()),
        transform_(plug::plugins().find(plug::kind::transform, choice.id), choice.config,
                   options(incidents), "recipe.transforms") {
    if (what.quantizer)
      quantizer_json_ = json{{"id", what.quantizer->id}, {"config", full_config(what)}}.dump();
  }

  void run(const progress_fn &progress) {
    transform_.check(json::parse(arch_json_));
    const block_view first(decoder_.block(0), decoder_.n_blocks(), {}, propagation_policy::fp, 0,
                           arch_json_, quantizer_json_);
    const auto needs = transform_.needs(first.get());
    if (needs.schedule)
      throw error(error_kind::usage,
                  "transforms of the whole model, after the quantizer or with block losses are "
                  "not implemented yet")
          .plugin(transform_.made_by().id);
    calibrate_options asked;
    asked.needs = needs_of(needs);
    asked.progress = progress;
    if (!data_)
      throw error(error_kind::usage, "'" + transform_.made_by().id + "' needs calibration data")
          .at("recipe.transforms")
          .hint("Give quantize a calibration");
    block_statistics statistics;
    // The pass runs on the float model as it was.
    calibrate_float(model::decoder(decoder_), *data_, asked, [&](calibration_stop &stop) {
      statistics[stop.group] = std::move(stop.statistics);
      if (stop.group != model::linear_group::down) return;
      apply(stop.block, statistics);
      statistics.clear();
    });
  }

 private:
  static plug::instance_options options(ledger &incidents) {
    plug::instance_options made;
    made.ledger = [&incidents](const plug::ledger_event &event) {
      incidents.add({event.event, event.layer, event.detail, {{"count", event.count}}});
    };
    return made;
  }

  static json full_config(const recipe &what) {
    return plug::plugins()
        .find(plug::kind::quantizer, what.quantizer->id)
        .complete_config(what.quantizer->config, "recipe.quantizer");
  }

  void apply(int64_t index, const block_statistics &statistics) {
    throw_if_cancelled();
    auto &block = decoder_.block(index);
    block_view view(block, decoder_.n_blocks(), statistics, propagation_policy::fp,
                    static_cast<int64_t>(data_->sequences().size()), arch_json_, quantizer_json_);
    transform_.needs(view.get());
    receiver edits(out_);
    transform_.apply(view.get(), edits);
    auto changed = view.edited();
    const double moved = difference(block, changed);
    if (!(moved <= k_tolerance))
      throw error(error_kind::plugin, "the block's function moved by " + std::to_string(moved) +
                                          " (relative), more than " + std::to_string(k_tolerance))
          .plugin(transform_.made_by().id)
          .layer("block " + std::to_string(index));
    remember(block, changed);
    block = std::move(changed);
    out_.report.push_back({{"transform", transform_.made_by().identity()},
                           {"block", index},
                           {"difference", moved},
                           {"note", edits.taken()}});
  }

  // Relative distance of the outputs on random hidden states of unit scale: the function must agree everywhere, so any
  // input will do, and this one needs no second stream.
  double difference(const model::decoder_block &before, const model::decoder_block &after) const {
    const auto generator = at::detail::createCPUGenerator(17);
    const auto h = at::randn({1, 32, decoder_.config().hidden_size}, generator, at::kFloat)
                       .to(decoder_.device(), decoder_.dtype());
    const auto context = decoder_.context(1, 32);
    const auto expected = before.forward(h, context) - h;
    return ((after.forward(h, context) - h - expected).norm() / expected.norm()).item<double>();
  }

  void remember(const model::decoder_block &before, const model::decoder_block &after) {
    const std::string prefix = "model.layers." + std::to_string(before.index) + ".";
    out_.edited[prefix + "input_layernorm.weight"] = after.attention_norm;
    out_.edited[prefix + "post_attention_layernorm.weight"] = after.mlp_norm;
    for (const auto *linear : after.linears()) {
      out_.edited[linear->name + ".weight"] = linear->weight;
      if (linear->bias.defined()) out_.edited[linear->name + ".bias"] = linear->bias;
    }
  }

  model::decoder &decoder_;
  const recipe &what_;
  const calibration *data_;
  transform_outcome &out_;
  std::string arch_json_, quantizer_json_;
  plug::transform_instance transform_;
};

}  // namespace

transform_outcome run_transforms(model::decoder &decoder, const recipe &what,
                                 const calibration *data, ledger &incidents,
                                 const progress_fn &progress) {
  at::NoGradGuard no_grad;
  transform_outcome out;
  for (const auto &choice : what.transforms)
    stage(decoder, what, choice, data, incidents, out).run(progress);
  return out;
}

}  // namespace assay::quant
