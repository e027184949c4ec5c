// Manages where the weights of a run are: all of them in memory, or those of one block at a time.
//
// Both memory modes implement this interface, so that no other part of quant/ asks which of them is
// at work. A decoder brings its own blocks in and lets them go (model/decoder.hpp); this adds the
// weights that a run makes.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "quant/quantized.hpp"
#include "quant/streaming/resume_store.hpp"

namespace assay::quant {

class block_residency {
 public:
  virtual ~block_residency() = default;

  // The folder for the activations between two stops of a calibration pass; "" = they
  // stay in memory.
  virtual std::string activation_folder() const = 0;

  // --- float weights that a run changes ---
  // Stores the linears of an edited block, in place of what was stored of it before.
  virtual void store_block(const model::decoder_block &block) = 0;
  // Stores a new embedding or head. Returns the tensor that the decoder holds from now on.
  virtual at::Tensor store_outer_weight(model::decoder &decoder, const std::string &name,
                                        const at::Tensor &weight) = 0;
  // What stays in memory of a weight of a stored block.
  virtual at::Tensor held_part(const at::Tensor &weight) const = 0;
  // The values of the tensor `name` of a checkpoint; held: what stayed in memory of it.
  virtual at::Tensor values_of(const std::string &name, const at::Tensor &held) const = 0;

  // --- quantized linears ---
  // True if finished blocks are stored even where making them anew costs little: then they do not
  // fit in memory.
  virtual bool always_stores() const = 0;
  virtual void use_store(std::shared_ptr<const resume_store> store) = 0;
  // Puts the weights of a stored block in place of the float ones, now or whenever the decoder
  // reads that block. Blocks come in order.
  virtual void take_stored(model::decoder &decoder, int64_t block,
                           const std::vector<quantized_linear> &linears) = 0;
  // Frees the values of a linear whose block lies in the store.
  virtual void release(quantized_linear &linear, int64_t block) = 0;
  // The linear with its values, wherever these lie; held: what stayed in memory of it. Borrow:
  // valid until the next call.
  virtual const quantized_linear &values_of(const quantized_linear &held) const = 0;
  // Call once all linears are quantized: a block that is read again then comes quantized.
  virtual void read_quantized(quantized_model &result) = 0;
};

// All weights are in memory.
std::shared_ptr<block_residency> whole_model();
// The mode in which `decoder` was loaded; the decoder then reads edited blocks where they were
// stored. folder: for what does not stay in memory. Throws error(usage) for a recipe that cannot be
// applied block by block.
std::shared_ptr<block_residency> residency_of(model::decoder &decoder, const recipe &recipe,
                                              const std::string &folder);

}  // namespace assay::quant
