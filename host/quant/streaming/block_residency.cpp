// Implements the mode that keeps all weights of a run in memory, and chooses between this mode and
// the streamed mode.
#include "quant/streaming/block_residency.hpp"

#include "quant/linear_run.hpp"
#include "quant/streaming/streamed_model.hpp"

namespace assay::quant {
namespace {

class whole_in_memory : public block_residency {
 public:
  std::string activation_folder() const override { return ""; }

  void store_block(const model::decoder_block &) override {}
  at::Tensor store_outer_weight(model::decoder &, const std::string &,
                                const at::Tensor &weight) override {
    return weight;
  }
  at::Tensor held_part(const at::Tensor &weight) const override { return weight; }
  at::Tensor values_of(const std::string &, const at::Tensor &held) const override { return held; }

  bool always_stores() const override { return false; }
  void use_store(std::shared_ptr<const resume_store>) override {}
  void take_stored(model::decoder &decoder, int64_t block,
                   const std::vector<quantized_linear> &linears) override {
    put_weights(decoder.block(block), linears);
  }
  void release(quantized_linear &, int64_t) override {}
  const quantized_linear &values_of(const quantized_linear &held) const override { return held; }
  void read_quantized(quantized_model &) override {}
};

}  // namespace

std::shared_ptr<block_residency> whole_model() {
  static const auto only = std::make_shared<whole_in_memory>();
  return only;
}

std::shared_ptr<const value_source> values_in_memory() {
  return whole_model();
}

std::shared_ptr<block_residency> residency_of(model::decoder &decoder, const recipe &recipe,
                                              const std::string &folder) {
  if (!decoder.on_demand()) return whole_model();
  require_by_block(recipe, !folder.empty());
  return std::make_shared<streamed_model>(decoder, folder);
}

}  // namespace assay::quant
