// Implements the streamed mode, which keeps the weights of one block in memory at a time. Edited
// blocks and quantized linears of finished blocks are on disk.
#pragma once

#include "quant/streaming/block_residency.hpp"
#include "quant/streaming/edited_blocks.hpp"

namespace assay::quant {

// If the values of a linear are on disk, its shapes and dtypes stay in memory (tensors on the meta
// device, which have no values). They are enough to count bytes and to plan; an export reads the
// values block by block. Without a store, quantized linears stay in memory.
class streamed_model : public block_residency {
 public:
  streamed_model(model::decoder &decoder, std::string folder);

  std::string activation_folder() const override { return folder_; }
  void store_block(const model::decoder_block &block) override;
  at::Tensor store_outer_weight(model::decoder &decoder, const std::string &name,
                                const at::Tensor &weight) override;
  at::Tensor held_part(const at::Tensor &weight) const override;
  at::Tensor values_of(const std::string &name, const at::Tensor &held) const override;

  bool always_stores() const override { return true; }
  void use_store(std::shared_ptr<const resume_store> store) override { store_ = std::move(store); }
  void take_stored(model::decoder &decoder, int64_t block,
                   const std::vector<quantized_linear> &linears) override;
  void release(quantized_linear &linear, int64_t block) override;
  const quantized_linear &values_of(const quantized_linear &held) const override;
  void read_quantized(quantized_model &result) override;

 private:
  std::string folder_;
  std::shared_ptr<edited_blocks> edited_;
  std::function<void(model::decoder_block &)> read_float_;  // puts edited weights into a block
  std::shared_ptr<const resume_store> store_;
  std::map<std::string, int64_t> blocks_;  // linear whose values were freed -> its block
  // The block that was read last. An export asks for all linears of a block one after another.
  mutable std::vector<quantized_linear> last_;
  mutable int64_t last_block_ = -1;
};

}  // namespace assay::quant
