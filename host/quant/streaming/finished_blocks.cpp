// Saves and restores the linears of finished blocks, with the incidents that happened in each.
#include "quant/streaming/finished_blocks.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "plug/registry.hpp"
#include "quant/schemes/scheme_files.hpp"
#include "quant/streaming/block_residency.hpp"

namespace assay::quant {
namespace {

// Everything that decides the bytes of a result. Blocks of another key are not reused.
json key_of(const run_state &run) {
  const auto &quantizer = plug::plugins().find(plug::kind::quantizer, run.recipe.quantizer->id);
  json transforms = json::array();
  for (const auto &choice : run.recipe.transforms)
    transforms.push_back(plug::plugins().find(plug::kind::transform, choice.id).identity());
  return {{"subject", run.subject.fingerprint()},
          {"recipe", run.recipe.hash()},
          {"calibration", run.data->hash()},
          {"quantizer", quantizer.identity()},
          {"transforms", transforms},
          {"threads", at::get_num_threads()},
          {"chunk_tokens", run.options.chunk_tokens}};
}

}  // namespace

void finished_blocks::open() {
  if (run_.options.resume.empty()) return;
  store_ = std::make_shared<resume_store>(run_.options.resume, key_of(run_));
  n_incidents_ = run_.result.incidents.entries().size();
  run_.residency->use_store(store_);
}

linear_job &finished_blocks::job_of(const std::string &name) {
  for (auto &job : run_.jobs.jobs)
    if (job.linear->name == name) return job;
  throw error(error_kind::failed, "a stored block has a linear that the recipe keeps in float")
      .layer(name);
}

void finished_blocks::restore() {
  if (!store_) return;
  for (; restored_ < std::min(store_->n_done(), run_.result.decoder.n_blocks()); ++restored_) {
    throw_if_cancelled();
    auto stored = store_->load(restored_);
    run_.residency->take_stored(run_.result.decoder, restored_, stored.linears);
    for (auto &linear : stored.linears) {
      auto &job = job_of(linear.name);
      run_.residency->release(linear, restored_);
      job.result = std::move(linear);
      if (!run_.activation.is_null())
        round_inputs(*job.linear, job.result, run_.activation, nullptr);
    }
    for (auto &entry : stored.incidents) run_.result.incidents.add(std::move(entry));
  }
  n_incidents_ = run_.result.incidents.entries().size();
}

void finished_blocks::begin(int64_t block) {
  if (block >= 0) run_.result.decoder.bring_in(block);
}

void finished_blocks::finish(int64_t block) {
  if (store_ && block >= restored_) save(block);
  if (block >= 0) run_.result.decoder.let_go(block);
}

void finished_blocks::save(int64_t block) {
  stored_block finished;
  for (const auto &job : run_.jobs.jobs)
    if (job.linear->block == block) finished.linears.push_back(job.result);
  const auto entries = run_.result.incidents.entries();
  finished.incidents.assign(entries.begin() + static_cast<std::ptrdiff_t>(n_incidents_),
                            entries.end());
  n_incidents_ = entries.size();
  store_->save(block, finished);
  for (auto &job : run_.jobs.jobs)
    if (job.linear->block == block) run_.residency->release(job.result, block);
}

}  // namespace assay::quant
