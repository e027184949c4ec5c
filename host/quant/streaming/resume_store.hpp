// Reads and writes finished blocks of a run on disk. The inputs of the next block are not stored,
// because they can be computed from the weights again, bit for bit.
#pragma once

#include <string>
#include <vector>

#include "core/claim.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// The quantized linears of one block, and the ledger entries that its work added.
struct stored_block {
  std::vector<quantized_linear> linears;
  std::vector<ledger_entry> incidents;
};

class resume_store {
 public:
  // key: everything that decides the results. Blocks that were stored under another key lose their
  // JSON files, so they count as absent. The folder is claimed as long as this object lives
  // (core/claim.hpp). Throws error(failed) if another process has claimed it.
  resume_store(std::string folder, const json &key);

  int64_t n_done() const { return n_done_; }  // blocks 0 .. n_done - 1 are stored
  stored_block load(int64_t block) const;     // throws error(failed) for a damaged file
  // Writes the block. If the process is killed meanwhile, the block counts as absent. Call it for
  // blocks in order.
  void save(int64_t block, const stored_block &finished);

 private:
  std::string file(int64_t block, const char *suffix) const;
  std::string folder_;
  path_claim claim_;
  int64_t n_done_ = 0;
};

}  // namespace assay::quant
