// Keeps changed float weights on disk, for a model that is read block by block: blocks that
// transforms edited, the embedding and the head. Every run makes these files anew. A run that was
// killed can only reuse quantized linears (resume_store.hpp).
#pragma once

#include <map>
#include <string>

#include "model/decoder.hpp"

namespace assay::quant {

class edited_blocks {
 public:
  explicit edited_blocks(std::string folder) : folder_(std::move(folder)) {}
  void keep(const model::decoder_block &block);      // writes the linears, replacing older ones
  void put_into(model::decoder_block &block) const;  // reads them; does nothing if none were kept
  // Writes an embedding or a head. The decoder reads it from this file from now on.
  void keep_outer_weight(model::decoder &decoder, const std::string &name,
                         const at::Tensor &weight);
  at::Tensor weight(const std::string &name) const;  // reads a kept linear, embedding or head

 private:
  std::string file(const std::string &part) const;
  std::string folder_;
  // Paths of the files that this run wrote, by the name of the linear, embedding or head.
  std::map<std::string, std::string> files_;
};

}  // namespace assay::quant
