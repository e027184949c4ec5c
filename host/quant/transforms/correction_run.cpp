// Runs one calibration pass over the quantized model for each correction, and sets the biases of a
// block after its last stop.
#include "quant/transforms/correction_run.hpp"

#include "calibration/calibrate.hpp"
#include "core/error.hpp"
#include "quant/views/block_view.hpp"

namespace assay::quant {
namespace {

// Receives the edits of a correction: biases and notes; other edits are an error of the plugin.
class bias_receiver : public plug::edit_receiver {
 public:
  void set_bias(const std::string &linear, const assay_tensor &bias) override {
    biases[linear] = plug::borrow(bias).clone();
  }
  void set_online(const std::string &linear, const json &) override { refuse(linear); }
  void set_clip(const std::string &linear, const assay_tensor &, const assay_tensor &,
                int64_t) override {
    refuse(linear);
  }
  void note(const json &given) override { noted.update(given); }
  std::map<std::string, at::Tensor> biases;
  json noted = json::object();

 private:
  [[noreturn]] static void refuse(const std::string &linear) {
    throw error(error_kind::plugin, "a transform after the quantizer may only set biases")
        .layer(linear);
  }
};

class correction {
 public:
  correction(quantized_model &out, const model::decoder &before, const recipe &recipe,
             const component_choice &choice)
      : out_(out),
        before_(before),
        arch_json_(arch_facts(before.config()).dump()),
        quantizer_json_(quantizer_json(recipe)),
        transform_(make_transform(choice, json::parse(arch_json_), recipe.seed, out.incidents)) {}

  // True if this transform runs after the quantizer. Sets `needs` to what the transform asks for.
  bool after(assay_needs &needs) {
    before_.bring_in(0);
    needs = transform_.needs(view_of(0, {}, 0)->get());
    before_.let_go(0);
    return needs.schedule & ASSAY_SCHEDULE_AFTER;
  }

  void run(const assay_needs &needs, const calibration *data, const std::string &activation_folder,
           const progress_fn &progress, json &report) {
    if (!data)
      throw error(error_kind::usage, "'" + transform_.made_by().id + "' needs calibration data")
          .at("recipe.transforms")
          .hint("Give quantize a calibration");
    calibrate_options asked;
    asked.needs = needs_of(needs);
    asked.progress = progress;
    asked.activation_folder = activation_folder;
    block_statistics statistics;
    calibrate(out_.decoder, *data, asked, [&](calibration_stop &stop) {
      statistics[stop.group] = std::move(stop.statistics);
      if (stop.group != model::linear_group::down) return;
      correct(stop.block, statistics, static_cast<int64_t>(data->sequences().size()), report);
      statistics.clear();
    });
  }

 private:
  std::unique_ptr<block_view> view_of(int64_t index, const block_statistics &statistics,
                                      int64_t n_sequences) const {
    return std::make_unique<block_view>(before_.block(index), before_.n_blocks(), statistics,
                                        propagation_policy::quantized, n_sequences, arch_json_,
                                        quantizer_json_);
  }

  void correct(int64_t index, const block_statistics &statistics, int64_t n_sequences,
               json &report) {
    before_.bring_in(index);
    const auto view = view_of(index, statistics, n_sequences);  // copies the block's tensors
    before_.let_go(index);
    auto &live = out_.decoder.block(index);
    for (const auto *linear : live.linears()) {
      if (out_.forms.contains(linear->name))
        view->set_start(out_.form(linear->name), linear->weight);
    }
    transform_.needs(view->get());
    bias_receiver edits;
    transform_.apply(view->get(), edits);
    for (auto *linear : live.linears()) {
      const auto found = edits.biases.find(linear->name);
      if (found == edits.biases.end()) continue;
      linear->bias = found->second.to(linear->weight.options());
      out_.edited[linear->name + ".bias"] = linear->bias;
    }
    report.push_back({{"transform", transform_.made_by().identity()},
                      {"block", index},
                      {"note", std::move(edits.noted)}});
  }

  quantized_model &out_;
  model::decoder before_;
  std::string arch_json_, quantizer_json_;
  plug::transform_instance transform_;
};

}  // namespace

bool has_corrections(const model::decoder &decoder, const recipe &recipe, ledger &incidents) {
  if (recipe.transforms.empty()) return false;
  model::decoder opened(decoder);
  opened.bring_in(0);
  const std::string arch = arch_facts(decoder.config()).dump(), quantizer = quantizer_json(recipe);
  const block_view first(opened.block(0), decoder.n_blocks(), {}, propagation_policy::quantized, 0,
                         arch, quantizer);
  for (const auto &choice : recipe.transforms)
    if (make_transform(choice, json::parse(arch), recipe.seed, incidents)
            .needs(first.get())
            .schedule &
        ASSAY_SCHEDULE_AFTER)
      return true;
  return false;
}

json run_corrections(quantized_model &out, const model::decoder &before, const recipe &recipe,
                     const calibration *data, const std::string &activation_folder,
                     const progress_fn &progress) {
  json report = json::array();
  for (const auto &choice : recipe.transforms) {
    correction one(out, before, recipe, choice);
    assay_needs needs{};
    if (one.after(needs)) one.run(needs, data, activation_folder, progress, report);
  }
  return report;
}

}  // namespace assay::quant
