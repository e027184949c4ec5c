// Runs the calibration pass. At each stop, where the statistics of an input are complete, it quantizes
// the linears that read this input. The recipe's propagation says which model the pass runs on. "fp":
// the float model. "quantized": the result itself, whose weights become quantized during the pass.
// "asymmetric": both models side by side.
#include "quant/calibrated_schedule.hpp"

#include "calibration/calibrate.hpp"
#include "calibration/statistics_cache.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "quant/linear_work.hpp"
#include "quant/stop_statistics.hpp"
#include "quant/streaming/finished_blocks.hpp"
#include "quant/whole_block_work.hpp"

namespace assay::quant {
namespace {

class calibrated_schedule {
 public:
  explicit calibrated_schedule(run_state &run)
      : run_(run), work_(run), blocks_(run), two_streams_(is_asymmetric(run.recipe)) {}

  json quantize() {
    require_data();
    if (run_.jobs.embedding_is_untied) quantize_embedding();
    blocks_.open();
    // The copy shares tensors. It stays float, because quantizing a linear puts a new tensor
    // into the result only.
    float_model_ = run_.result.decoder;
    blocks_.restore();
    const auto options = pass_options();
    const auto visit = [this](calibration_stop &stop) { quantize_at(stop); };
    json facts = run_.recipe.propagation == propagation_policy::fp
                     ? calibrate_float(float_model_, *run_.data, options, visit)
                     : calibrate(run_.result.decoder, *run_.data, options, visit);
    if (blocks_.is_open()) facts["resumed_blocks"] = blocks_.restored();
    return facts;
  }

 private:
  static bool is_asymmetric(const recipe &recipe) {
    return recipe.propagation == propagation_policy::asymmetric;
  }

  void require_data() const {
    if (run_.data) return;
    throw error(error_kind::usage, "'" + run_.recipe.quantizer->id + "' needs calibration data")
        .at("recipe.quantizer")
        .hint("Give quantize a calibration");
  }

  // Quantizes an untied embedding (the head is another matrix). Rows of an embedding are looked up, so
  // it has no inputs, and all its columns count alike. The pass then runs on the quantized embedding.
  void quantize_embedding() {
    for (auto &job : run_.jobs.jobs) {
      if (!run_.jobs.is_embedding(job)) continue;
      const auto sums = input_statistics::uniform(
          job.linear->out_features(), job.linear->in_features(), run_.result.decoder.device());
      const stats_view stats(sums, nullptr, run_.recipe.propagation, 0);
      work_.quantize(job, stats.get(), sums.hessian);
    }
  }

  calibrate_options pass_options() {
    calibrate_options options;
    options.needs = run_.jobs.needs;
    options.first_token = run_.jobs.needs_first_token_hessian || run_.recipe.first_token_weight > 0;
    options.chunk_tokens = run_.options.chunk_tokens;
    options.activation_folder = run_.residency->activation_folder();
    options.progress = run_.options.progress;
    options.wanted = [this](int64_t block, model::linear_input input) {
      return any_open([&](const linear_job &job) { return job.at(block, input); });
    };
    options.experts = run_.recipe.experts;
    options.starved = [this](const starved_input &one) {
      note_starved(one, run_.recipe.quantizer->id, run_.result.incidents);
    };
    if (run_.jobs.works_on_blocks()) {
      options.whole = [this](int64_t block) {
        return any_open([&](const linear_job &job) { return job.linear->block == block; });
      };
      options.visit_block = [this](calibration_block &block) {
        quantize_whole_block(run_, work_, block, float_model_);
      };
    }
    options.block_begins = [this](int64_t block) { begin_block(block); };
    options.block_done = [this](int64_t block) {
      blocks_.finish(block);
      if (two_streams_) float_model_.let_go(block);
    };
    options.smaller_chunks = [this](const std::string &where, int64_t rows) {
      run_.result.incidents.add(
          {"smaller_chunks", where, "memory ran short, chunks were halved", {{"rows", rows}}});
    };
    if (two_streams_) options.float_model = &float_model_;
    return options;
  }

  // True if a job that is not done yet fulfils the condition.
  template <class Condition>
  bool any_open(const Condition &holds) const {
    for (const auto &job : run_.jobs.jobs)
      if (!job.done() && holds(job)) return true;
    return false;
  }

  void begin_block(int64_t block) {
    if (block > 0) give_back_pages(block - 1);
    blocks_.begin(block);
    if (two_streams_) float_model_.bring_in(block);
  }

  // Lets the system drop the pages of the checkpoint file that hold the block's weights: these were
  // used in place, as mapped memory.
  void give_back_pages(int64_t block) const {
    for (const auto *linear : std::as_const(run_.result.decoder).block(block).linears())
      run_.subject.tensors().give_back(linear->name + ".weight");
  }

  void quantize_at(calibration_stop &stop) {
    bool checked = false;
    for (auto &job : run_.jobs.jobs) {
      if (job.done() || !job.at(stop.block, stop.input())) continue;
      throw_if_cancelled();
      if (!std::exchange(checked, true)) {
        require_rank(run_, stop, *job.linear);
        require_range(run_, stop, *job.linear);
      }
      auto sums = shown_statistics(run_, stop);
      if (job.needs_cpu()) sums = sums.on(at::kCPU);
      const auto stats = stats_of(run_, stop, sums);
      if (!sums.raw.empty()) work_.observe(job, sums);
      // Errors are measured without the extra weight of the first token.
      const auto &plain = stop.statistics.hessian;
      work_.quantize(job, stats.get(), plain.defined() && job.needs_cpu() ? plain.cpu() : plain,
                     &stop.statistics);
    }
  }

  run_state &run_;
  linear_work work_;
  finished_blocks blocks_;
  model::decoder float_model_;
  bool two_streams_;
};

}  // namespace

json quantize_calibrated(run_state &run) {
  return calibrated_schedule(run).quantize();
}

}  // namespace assay::quant
