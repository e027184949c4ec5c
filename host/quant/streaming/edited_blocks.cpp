// Writes one safetensors file for each block, embedding or head. Values have the dtype in which the
// model computes, so that reading gives back the same values.
#include "quant/streaming/edited_blocks.hpp"

#include <filesystem>

#include "checkpoint/safetensors.hpp"

namespace assay::quant {

std::string edited_blocks::file(const std::string &part) const {
  return folder_ + "/edited-" + part + ".safetensors";
}

void edited_blocks::keep(const model::decoder_block &block) {
  std::filesystem::create_directories(folder_);
  const auto path = file(std::to_string(block.index));
  model::named_tensors weights;
  for (const auto *linear : block.linears()) {
    weights.emplace_back(linear->name + ".weight", linear->weight);
    files_[linear->name] = path;
  }
  model::write_safetensors(path, weights);
}

void edited_blocks::put_into(model::decoder_block &block) const {
  const auto kept = files_.find(block.q.name);
  if (kept == files_.end()) return;
  const auto stored = model::open_safetensors_file(kept->second);
  for (auto *linear : block.linears()) {
    const auto device = linear->weight.device();
    linear->weight = stored->tensor(linear->name + ".weight").clone().to(device);
    stored->give_back(linear->name + ".weight");
  }
}

void edited_blocks::keep_outer_weight(model::decoder &decoder, const std::string &name,
                                      const at::Tensor &weight) {
  std::filesystem::create_directories(folder_);
  const auto path = files_[name] = file(name);
  model::write_safetensors(path, {{name + ".weight", weight}});
  decoder.read_outer_weight_from(name, model::open_safetensors_file(path));
}

at::Tensor edited_blocks::weight(const std::string &name) const {
  return model::open_safetensors_file(files_.at(name))->tensor(name + ".weight");
}

}  // namespace assay::quant
