// Packs the weights of a checkpoint, whatever their layout: compressed-tensors, GPTQ, AWQ, GGUF
// blocks, or dense floats.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/quantized_source.hpp"
#include "packed/packed_weight.hpp"

namespace assay::model {

// The weight `module`.weight of the checkpoint. The pages of the file that are no longer needed are
// given back. What no kernel can run (a group of 20, say) is kept dense, and `told`, if it is not
// null, then says so and why. Throws error(failed) for a scale that is infinite or not a number.
std::shared_ptr<const packed_weight> pack_weight(const checkpoint &source,
                                                 const std::string &module,
                                                 std::string *told = nullptr);

// The parts, for tests and for forms in memory.
packed_matrix pack_codes(const stored_linear &stored);
packed_matrix pack_blocks(const stored_blocks &blocks);
// Why they would throw error(failed) for want of a kernel; "" where a kernel runs them.
std::string lacks_kernel(const stored_linear &stored);
std::string lacks_kernel(const stored_blocks &blocks);

}  // namespace assay::model
