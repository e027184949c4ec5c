// Saves each finished block of a run, so that a run that was killed can continue after its last
// finished block. resume_store.hpp reads and writes the files.
#pragma once

#include "quant/run_state.hpp"
#include "quant/streaming/resume_store.hpp"

namespace assay::quant {

class finished_blocks {
 public:
  explicit finished_blocks(run_state &run) : run_(run) {}  // borrowed

  // Opens the resume folder of the caller's options. If there is none, nothing is saved.
  void open();
  bool is_open() const { return store_ != nullptr; }
  // Takes over the finished blocks of an earlier run: their linears, weights and incidents.
  void restore();
  int64_t restored() const { return restored_; }  // the number of such blocks

  void begin(int64_t block);   // brings the block's weights into memory; -1: does nothing
  void finish(int64_t block);  // saves the block's linears and frees its weights; -1: does nothing

 private:
  linear_job &job_of(const std::string &name);
  void save(int64_t block);

  run_state &run_;
  std::shared_ptr<resume_store> store_;
  int64_t restored_ = 0;
  size_t n_incidents_ = 0;  // entries of the ledger before the present block
};

}  // namespace assay::quant
