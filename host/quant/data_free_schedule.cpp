// Quantizes linears in the order of the model. A quantizer's own loops take all threads
// (host->parallel_for), so linears do not run side by side.
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
