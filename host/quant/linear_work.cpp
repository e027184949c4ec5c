// Quantizes single linears of a run and puts the results into the model.
#include "quant/linear_work.hpp"

#include "quant/schemes/scheme_files.hpp"
#include "quant/streaming/held_outer_weight.hpp"

namespace assay::quant {

void linear_work::quantize(linear_job &job, const assay_stats *stats, const at::Tensor &hessian,
                           const input_statistics *inputs) {
  const held_outer_weight held(run_.result.decoder, *job.linear);
  auto weight = float_weight(*job.linear);
  if (job.needs_cpu()) weight = weight.cpu();
  linear_view view(*job.linear, job.index, run_.transformed.clipped(job.linear->name, weight),
                   run_.arch_json, job.tie_abs_max);
  if (run_.jobs.is_embedding(job) && !run_.jobs.embedding_is_untied)
    view.add_flags(ASSAY_LINEAR_TIED | ASSAY_LINEAR_LM_HEAD);
  show_clip(view, job.linear->name);
  accept(job, run_linear(*job.quantizer, view, weight, stats, hessian), inputs);
}

void linear_work::observe(linear_job &job, const input_statistics &sums) {
  const held_outer_weight held(run_.result.decoder, *job.linear);
  const linear_view view(*job.linear, job.index, float_weight(*job.linear), run_.arch_json,
                         job.tie_abs_max);
  for (const auto &chunk : sums.raw) {
    const plug::tensor_ref tokens(chunk.contiguous());
    job.quantizer->observe(view.get(), *tokens.get());
  }
}

void linear_work::show_clip(linear_view &view, const std::string &name) const {
  const auto found = run_.transformed.clips.find(name);
  if (found == run_.transformed.clips.end()) return;
  view.set_clip(found->second.min, found->second.max, found->second.group_size);
}

void linear_work::accept(linear_job &job, linear_result result, const input_statistics *inputs) {
  put_weight(job, result.weight);
  job.result = std::move(result.form);
  if (!run_.activation.is_null() && job.linear->block >= 0)
    round_inputs(*job.linear, job.result, run_.activation, inputs);
}

void linear_work::put_weight(linear_job &job, const at::Tensor &dense) {
  auto &weight = job.linear->weight;
  weight = dense.to(weight.device(), weight.scalar_type());
  if (!run_.jobs.is_embedding(job)) return;
  auto &decoder = run_.result.decoder;
  decoder.embedding() = run_.residency->store_outer_weight(decoder, job.linear->name, weight);
  if (!run_.jobs.embedding_is_untied) decoder.head().weight = decoder.embedding();
}

}  // namespace assay::quant
