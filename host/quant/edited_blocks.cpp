// One safetensors file for a block or a table, in the compute dtype, so that what comes back is what
// was kept.
#include "quant/edited_blocks.hpp"

#include <filesystem>

#include "model/safetensors.hpp"

namespace assay::quant {

std::string edited_blocks::file(int64_t block) const {
  return folder_ + "/edited-" + std::to_string(block) + ".safetensors";
}

void edited_blocks::keep(const model::decoder_block &block) {
  std::filesystem::create_directories(folder_);
  model::named_tensors weights;
  for (const auto *linear : block.linears()) weights.emplace_back(linear->name, linear->weight);
  model::write_safetensors(file(block.index), weights);
  kept_.insert(block.index);
}

void edited_blocks::put_into(model::decoder_block &block) const {
  if (!kept_.contains(block.index)) return;
  const auto stored = model::open_safetensors_file(file(block.index));
  for (auto *linear : block.linears()) {
    const auto device = linear->weight.device();
    linear->weight = stored->tensor(linear->name).clone().to(device);
    stored->give_back(linear->name);
  }
}

void edited_blocks::keep_table(model::decoder &decoder, const std::string &name,
                               const at::Tensor &weight) const {
  std::filesystem::create_directories(folder_);
  const auto path = folder_ + "/edited-" + name + ".safetensors";
  model::write_safetensors(path, {{name + ".weight", weight}});
  decoder.read_table_from(name, model::open_safetensors_file(path));
}

at::Tensor edited_blocks::weight(int64_t block, const std::string &linear) const {
  return model::open_safetensors_file(file(block))->tensor(linear).clone();
}

}  // namespace assay::quant
