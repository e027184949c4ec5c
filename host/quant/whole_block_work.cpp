// Shows a block to its quantizer, with the statistics of its inputs and a runner that tries
// candidate weights, and puts the results into the model.
#include "quant/whole_block_work.hpp"

#include "quant/stop_statistics.hpp"
#include "quant/views/block_runner.hpp"
#include "quant/views/block_view.hpp"

namespace assay::quant {
namespace {

class whole_block_work {
 public:
  whole_block_work(run_state &run, linear_work &work, const calibration_block &inputs,
                   const model::decoder &float_model)
      : run_(run),
        work_(work),
        inputs_(inputs),
        float_model_(float_model),
        block_(run.result.decoder.block(inputs.block)),
        linears_(block_.linears()),
        jobs_(open_jobs()) {}

  void quantize() {
    find_statistics();
    block_view view(block_, run_.result.decoder.n_blocks(), sums_, run_.recipe.propagation,
                    static_cast<int64_t>(run_.data->sequences().size()), run_.arch_json, "");
    block_runner runner(source_of(run_.result.decoder, block_, inputs_.streams, &float_model_));
    view.set_handle(runner.handle());
    linear_job *first = nullptr;  // its instance quantizes the block
    for (size_t i = 0; i < linears_.size(); ++i) {
      if (!jobs_[i]) continue;
      if (!first) first = jobs_[i];
      require_same_config(*first, *jobs_[i]);
      show(view, i);
    }
    auto &block_quantizer = *first->quantizer;
    auto forms = block_quantizer.quantize_block(view.get(), stats(), wanted());
    for (size_t i = 0; i < forms.size(); ++i) {
      if (!forms[i]) continue;
      const auto &sums = sums_[linears_[i]->input()];
      work_.accept(*jobs_[i],
                   finish_linear(block_quantizer, std::move(*forms[i]), view.linear(i),
                                 float_weight(*linears_[i]), sums.hessian),
                   &sums);
    }
  }

 private:
  // By place in the block; null for a linear that stays in float or is done.
  std::vector<linear_job *> open_jobs() const {
    std::vector<linear_job *> found(linears_.size());
    for (auto &job : run_.jobs.jobs)
      for (size_t i = 0; i < linears_.size(); ++i)
        if (job.linear == linears_[i] && !job.done()) found[i] = &job;
    return found;
  }

  void find_statistics() {
    for (const auto &[input, stop] : inputs_.stops) {
      if (run_.jobs.needs.any()) require_rank(run_, stop, *stop.linears.front());
      sums_[input] = shown_statistics(run_, stop);
    }
    for (const auto *linear : linears_) {
      const auto &stop = inputs_.stops.at(linear->input());
      stats_.emplace_back(new stats_view(stats_of(run_, stop, sums_[stop.input()])));
    }
  }

  std::vector<const assay_stats *> stats() const {
    std::vector<const assay_stats *> out;
    for (const auto &one : stats_) out.push_back(run_.jobs.needs.any() ? one->get() : nullptr);
    return out;
  }

  std::vector<bool> wanted() const {
    std::vector<bool> out;
    for (const auto *job : jobs_) out.push_back(job != nullptr);
    return out;
  }

  void show(block_view &view, size_t i) const {
    const auto &name = linears_[i]->name;
    view.linear(i).set_tie_abs_max(jobs_[i]->tie_abs_max);
    work_.show_clip(view.linear(i), name);
    view.weight(i).copy_(run_.transformed.clipped(name, view.weight(i)));
  }

  run_state &run_;
  linear_work &work_;
  const calibration_block &inputs_;
  const model::decoder &float_model_;
  model::decoder_block &block_;
  std::vector<model::linear_op *> linears_;
  std::vector<linear_job *> jobs_;
  block_statistics sums_;
  std::vector<std::unique_ptr<stats_view>> stats_;
};

}  // namespace

void quantize_whole_block(run_state &run, linear_work &work, const calibration_block &block,
                          const model::decoder &float_model) {
  whole_block_work(run, work, block, float_model).quantize();
}

}  // namespace assay::quant
