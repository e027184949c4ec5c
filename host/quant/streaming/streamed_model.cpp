// Streams the weights of a run. The decoder calls on_read for each block that it has read; the
// functions that this file sets as on_read put edited or quantized weights into the block.
#include "quant/streaming/streamed_model.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "quant/linear_run.hpp"

namespace assay::quant {

streamed_model::streamed_model(model::decoder &decoder, std::string folder)
    : folder_(std::move(folder)), edited_(std::make_shared<edited_blocks>(folder_)) {
  read_float_ = [before = decoder.on_read, edited = edited_](model::decoder_block &block) {
    if (before) before(block);
    edited->put_into(block);
  };
  decoder.on_read = read_float_;
}

void streamed_model::store_block(const model::decoder_block &block) {
  edited_->keep(block);
}

at::Tensor streamed_model::store_outer_weight(model::decoder &decoder, const std::string &name,
                                              const at::Tensor &weight) {
  edited_->keep_outer_weight(decoder, name, weight);
  return model::without_values(weight);
}

at::Tensor streamed_model::held_part(const at::Tensor &weight) const {
  return model::without_values(weight);
}

at::Tensor streamed_model::values_of(const std::string &name, const at::Tensor &held) const {
  return held.is_meta() ? edited_->weight(name.substr(0, name.rfind(".weight"))) : held;
}

void streamed_model::take_stored(model::decoder &decoder, int64_t block,
                                 const std::vector<quantized_linear> &) {
  decoder.on_read = [read_float = read_float_, store = store_,
                     last = block](model::decoder_block &read) {
    read_float(read);
    if (read.index <= last) put_weights(read, store->load(read.index).linears);
  };
}

// A tensor of a single number, such as the scale of an input, stays in memory, because its shape
// alone needs as much memory.
void streamed_model::release(quantized_linear &linear, int64_t block) {
  blocks_[linear.name] = block;
  for (auto &part : linear.tensors)
    if (part.tensor.numel() > 1) part.tensor = model::without_values(part.tensor);
}

const quantized_linear &streamed_model::values_of(const quantized_linear &held) const {
  const bool complete = std::none_of(held.tensors.begin(), held.tensors.end(),
                                     [](const auto &part) { return part.tensor.is_meta(); });
  if (complete) return held;
  const int64_t block = blocks_.at(held.name);
  if (block != last_block_) last_ = store_->load(block).linears;
  last_block_ = block;
  for (const auto &linear : last_)
    if (linear.name == held.name) return linear;
  throw error(error_kind::failed, "the stored block lacks this linear").layer(held.name);
}

void streamed_model::read_quantized(quantized_model &result) {
  std::map<int64_t, std::vector<quantized_linear>> linears;  // by block
  for (const auto *linear : std::as_const(result.decoder).linears())
    if (const auto found = result.forms.find(linear->name); found != result.forms.end())
      linears[linear->block].push_back(found->second);
  result.decoder.on_read = [read_float = read_float_, store = store_,
                            linears = std::move(linears)](model::decoder_block &block) {
    read_float(block);
    const auto held = linears.find(block.index);
    if (held == linears.end()) return;
    put_weights(block, store ? store->load(block.index).linears : held->second);
  };
}

}  // namespace assay::quant
