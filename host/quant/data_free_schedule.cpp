// Quantizes linears one after another, in the order of the model, not in parallel, because the loops of
// one quantizer use all threads already (host->parallel_for).
#include "quant/data_free_schedule.hpp"

#include <ATen/core/grad_mode.h>

#include "core/cancel.hpp"
#include "quant/linear_work.hpp"
#include "quant/streaming/finished_blocks.hpp"

namespace assay::quant {

void quantize_data_free(run_state &run) {
  const at::NoGradGuard no_grad;
  linear_work work(run);
  finished_blocks blocks(run);
  // Finished blocks are stored only if the model is read block by block from disk; otherwise it costs
  // little to make them again. Without a calibration they cannot be stored, because the calibration's
  // hash is a part of their key.
  if (run.data && run.residency->always_stores()) {
    blocks.open();
    blocks.restore();
  }
  size_t done = 0;
  int64_t block = -1;
  for (linear_job &job : run.jobs.jobs) {
    if (job.done()) continue;
    throw_if_cancelled();
    if (job.linear->block != block) {
      blocks.finish(block);
      blocks.begin(block = job.linear->block);
    }
    work.quantize(job, nullptr, {});
    report_progress(run.options.progress, ++done, run.jobs.jobs.size(), job.linear->name);
  }
  blocks.finish(block);
}

}  // namespace assay::quant
