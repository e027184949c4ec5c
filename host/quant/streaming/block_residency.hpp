// Manages where the weights of a run are: all of them in memory, or those of one block at a time
// and the rest on disk.
//
// Each of these two modes is a class with this interface, so no other part of quant/ asks which mode is
// in use. A decoder itself reads and frees the blocks of its checkpoint (model/decoder.hpp). This
// interface manages the weights that a run makes: edited and quantized ones.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "quant/quantized.hpp"
#include "quant/streaming/resume_store.hpp"

namespace assay::quant {

class block_residency : public value_source {
 public:
  // The folder for the activations between two stops of a calibration pass; "" = they
  // stay in memory.
  virtual std::string activation_folder() const = 0;

  // --- float weights that a run changes ---
  // Stores the linears of an edited block. They replace what was stored earlier of this block.
  virtual void store_block(const model::decoder_block &block) = 0;
  // Stores a new embedding or head under its name. Returns the tensor that the decoder must hold
  // from now on: the weight, or its shape without values.
  virtual at::Tensor store_outer_weight(model::decoder &decoder, const std::string &name,
                                        const at::Tensor &weight) = 0;
  // Returns what stays in memory of a weight of a stored block: the weight, or
  // its shape without values.
  virtual at::Tensor held_part(const at::Tensor &weight) const = 0;

  // --- quantized linears ---
  // True if finished blocks do not fit in memory. They must then be stored, even if it costs little to
  // make them again.
  virtual bool always_stores() const = 0;
  // The store in which finished blocks lie from now on.
  virtual void use_store(std::shared_ptr<const resume_store> store) = 0;
  // Replaces the float weights of a block by those of its stored linears, now or whenever the
  // decoder reads that block. Call it for blocks in order.
  virtual void take_stored(model::decoder &decoder, int64_t block,
                           const std::vector<quantized_linear> &linears) = 0;
  // Frees the values of a linear whose block is in the store. Shapes and dtypes stay.
  virtual void release(quantized_linear &linear, int64_t block) = 0;
  // Call it when all linears are quantized. From then on the decoder puts quantized weights into each
  // block that it reads again.
  virtual void read_quantized(quantized_model &result) = 0;
};

// The mode in which all weights are in memory.
std::shared_ptr<block_residency> whole_model();
// Returns the mode in which `decoder` was loaded. If the decoder reads its blocks from disk, it also
// reads the edited blocks from now on. folder: for what does not stay in memory. Throws error(usage)
// for a recipe that cannot be applied block by block.
std::shared_ptr<block_residency> residency_of(model::decoder &decoder, const recipe &recipe,
                                              const std::string &folder);

}  // namespace assay::quant
