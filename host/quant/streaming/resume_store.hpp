// Finished blocks of a run on disk, so that a killed run goes on where it was. The inputs of the
// next block are not stored: they follow, bit for bit, from the weights. Not the exported model.
#pragma once

#include <string>
#include <vector>

#include "core/claim.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct stored_block {
  std::vector<quantized_linear> forms;
  std::vector<ledger_entry> incidents;
};

class resume_store {
 public:
  // identity: all that decides the results. Blocks of another identity are removed. The folder is claimed as long as this
  // object lives (core/claim): throws error(failed) if another process is at work in it.
  resume_store(std::string folder, json identity);

  int64_t n_done() const { return n_done_; }  // blocks 0 .. n_done - 1 are there
  stored_block load(int64_t block) const;     // throws error(failed) for a damaged file
  // Written beside and renamed: a kill leaves the block whole or absent.
  void save(int64_t block, const stored_block &finished);

 private:
  std::string file(int64_t block, const char *suffix) const;
  std::string folder_;
  path_claim claim_;
  int64_t n_done_ = 0;
};

}  // namespace assay::quant
