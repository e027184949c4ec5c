// Keeps float weights that a run changed on disk, for a model that is read block by block: blocks
// that transforms edited, the embedding and the head. Every run makes them anew; only quantized
// linears survive a kill (resume_store.hpp).
#pragma once

#include <map>
#include <string>

#include "model/decoder.hpp"

namespace assay::quant {

class edited_blocks {
 public:
  explicit edited_blocks(std::string folder) : folder_(std::move(folder)) {}
  void keep(const model::decoder_block &block);      // replaces what was kept of the block before
  void put_into(model::decoder_block &block) const;  // does nothing for a block never kept
  // Keeps an embedding or a head, which the decoder reads from here from now on.
  void keep_outer_weight(model::decoder &decoder, const std::string &name,
                         const at::Tensor &weight);
  at::Tensor weight(const std::string &name) const;  // of a kept linear, embedding or head

 private:
  std::string file(const std::string &part) const;
  std::string folder_;
  std::map<std::string, std::string> files_;  // of this run, by linear
};

}  // namespace assay::quant
