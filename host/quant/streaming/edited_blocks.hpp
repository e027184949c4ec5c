// Float weights that a run changed, on disk, for a model that is read block by block: blocks that
// transforms edited, tables. Not the forms (resume_store.hpp): these are made anew by every run.
#pragma once

#include <map>
#include <string>

#include "model/decoder.hpp"

namespace assay::quant {

class edited_blocks {
 public:
  explicit edited_blocks(std::string folder) : folder_(std::move(folder)) {}
  void keep(const model::decoder_block &block);      // in place of what was kept of it before
  void put_into(model::decoder_block &block) const;  // does nothing for a block never kept
  // The embedding or the head, which the decoder on demand reads from here from now on.
  void keep_table(model::decoder &decoder, const std::string &name, const at::Tensor &weight);
  at::Tensor weight(const std::string &linear) const;  // of a linear or a table that was kept

 private:
  std::string file(const std::string &what) const;
  std::string folder_;
  std::map<std::string, std::string> files_;  // by linear: of this run
};

}  // namespace assay::quant
