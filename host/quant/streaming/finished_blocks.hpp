// Saves each finished block of a run, so that a run which was killed can continue after its last
// block. Not the files (resume_store.hpp), and not where weights are (block_residency.hpp).
#pragma once

#include "quant/run_state.hpp"
#include "quant/streaming/resume_store.hpp"

namespace assay::quant {

class finished_blocks {
 public:
  explicit finished_blocks(run_state &run) : run_(run) {}  // borrow

  // Opens the caller's resume folder; without one, nothing is saved.
  void open();
  bool is_open() const { return store_ != nullptr; }
  // Takes over the finished blocks of an earlier run: their linears, weights and incidents.
  void restore();
  int64_t restored() const { return restored_; }  // blocks

  void begin(int64_t block);   // the block's weights are in memory from now on; -1: does nothing
  void finish(int64_t block);  // saves the block's linears and lets its weights go

 private:
  linear_job &job_of(const std::string &name);
  void save(int64_t block);

  run_state &run_;
  std::shared_ptr<resume_store> store_;
  int64_t restored_ = 0;
  size_t n_incidents_ = 0;  // before the block that is worked on
};

}  // namespace assay::quant
