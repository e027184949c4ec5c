// Applies a recipe to a model, step by step. execution::run() lists the steps; the work of a step
// is in a file or folder of its own.
#include "quant/quantize.hpp"

#include <ATen/core/grad_mode.h>
#include <optional>

#include "core/error.hpp"
#include "quant/calibrated_schedule.hpp"
#include "quant/data_free_schedule.hpp"
#include "quant/export/config_edits.hpp"
#include "quant/export/summary.hpp"
#include "quant/linear_patterns.hpp"
#include "quant/run_state.hpp"
#include "quant/schemes/activation.hpp"
#include "quant/schemes/kv_scheme.hpp"
#include "quant/schemes/scheme_files.hpp"
#include "quant/transforms/correction_run.hpp"
#include "quant/tuning/tune.hpp"
#include "quant/views/plugin_services.hpp"

namespace assay::quant {
namespace {

class execution {
 public:
  execution(const model::checkpoint &subject, const model::decoder &decoder, const recipe &recipe,
            const calibration *data, const quantize_options &options)
      : run_{subject, decoder, recipe, data, options, {}, {}, {}, {}, {}, {}},
        result_(run_.result),
        recipe_(recipe) {
    result_.decoder = decoder;
    result_.made_by = recipe;
    result_.values = run_.residency = residency_of(result_.decoder, recipe, options.resume);
    run_.arch_json = arch_facts(decoder.config()).dump();
    run_.activation = complete_schemes(result_.made_by, data != nullptr);
    if (!recipe.tune.is_null()) result_.made_by.tune = complete_tune(recipe.tune);
    note_own_head(decoder.config(), result_.incidents);
  }

  quantized_model run() {
    const run_cost cost;
    const at::NoGradGuard no_grad;
    transform();
    remember_float_model();
    make_linear_jobs();
    quantize_linears();
    tune_scales();
    correct_biases();
    round_keys_and_values();
    describe(cost);
    return std::move(result_);
  }

 private:
  void transform() {
    if (recipe_.transforms.empty()) return;
    run_.transformed = run_transforms(result_.decoder, result_.made_by, run_.data,
                                      result_.incidents, run_.options.progress, *run_.residency);
    result_.edited = std::move(run_.transformed.edited);
    result_.online = std::move(run_.transformed.online);
    result_.metadata["transforms"] = std::move(run_.transformed.report);
  }

  // Keeps a copy of the model that the quantizer will read, if biases are corrected after it. The
  // copy shares the model's tensors.
  void remember_float_model() {
    if (recipe_.quantizer && has_corrections(result_.decoder, recipe_, result_.incidents))
      before_ = result_.decoder;
  }

  void make_linear_jobs() {
    if (!recipe_.quantizer) return;
    auto options = plugin_options(recipe_.seed, result_.incidents);
    options.checked = run_.options.checked;
    run_.jobs = make_jobs(result_.decoder, recipe_, options, run_.arch_json, result_.incidents);
    if (!run_.activation.is_null()) run_.jobs.needs |= activation_needs(run_.activation);
  }

  void quantize_linears() {
    if (!recipe_.quantizer) return;
    if (run_.jobs.needs.any() || run_.jobs.works_on_blocks())
      pass_facts_ = quantize_calibrated(run_);
    else
      quantize_data_free(run_);
    collect_results();
  }

  // Moves the forms of all jobs into the result.
  void collect_results() {
    for (auto &job : run_.jobs.jobs) {
      if (!job.done())
        throw error(error_kind::failed, "the pass ended without this linear")
            .layer(job.linear->name);
      plugin_seconds_ += job.quantizer->seconds();
      result_.order.push_back(job.result.name);
      result_.forms.emplace(job.result.name, std::move(job.result));
    }
    run_.residency->read_quantized(result_);
  }

  void tune_scales() {
    const auto &options = result_.made_by.tune;
    if (!recipe_.quantizer || options.is_null()) return;
    result_.metadata["tune"] = tune(result_, run_.float_model, run_.subject, run_.data, options,
                                    recipe_.seed, run_.options.progress);
  }

  void correct_biases() {
    if (before_)
      for (auto &entry :
           run_corrections(result_, *before_, recipe_, run_.data,
                           run_.residency->activation_folder(), run_.options.progress))
        result_.metadata["transforms"].push_back(std::move(entry));
    complete_biases(result_);
  }

  void round_keys_and_values() {
    if (const auto &scheme = result_.made_by.kv; !scheme.is_null())
      store_kv_scales(result_, set_kv(result_.decoder, scheme, run_.data, run_.options.progress));
  }

  void describe(const run_cost &cost) {
    result_.summary = summarize(result_, run_.subject);
    result_.summary["kept"] = run_.jobs.kept;
    cost.put_into(result_.summary, plugin_seconds_);
    result_.metadata["recipe"] = result_.made_by.to_json();
    if (run_.data) {
      result_.metadata["calibration"] = run_.data->to_json();
      note_samples(*run_.data, result_.incidents);
    }
    if (!pass_facts_.is_null()) result_.metadata["calibration_pass"] = pass_facts_;
  }

  run_state run_;
  quantized_model &result_;
  const recipe &recipe_;
  std::optional<model::decoder> before_;  // the float model after transforms, for corrections
  json pass_facts_;                       // of the calibration pass; null = there was none
  double plugin_seconds_ = 0;
};

}  // namespace

quantized_model quantize(const model::checkpoint &subject, const model::decoder &decoder,
                         const recipe &recipe, const calibration *data,
                         const quantize_options &options) {
  decoder.require_floats("quantization");
  require_patterns(recipe, decoder.config());
  if (data != nullptr) data->require_vocabulary(decoder.config().vocab_size);
  return execution(subject, decoder, recipe, data, options).run();
}

}  // namespace assay::quant
