// Measures how the error of a quantized model grows from block to block. It also lists how the
// tensors of a saved checkpoint differ from those of the checkpoint from which it was made. Gates (checks of
// validity) compare these numbers with limits.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

// Runs both models on ids, [rows, tokens] int64. Returns for each block ||own - reference|| /
// ||reference||, where both are the block's outputs for all tokens. Throws error(usage) if the
// models differ in their number of blocks.
std::vector<double> block_errors(const model::decoder &reference, const model::decoder &own,
                                 const at::Tensor &ids);

// How one tensor of the reference differs from the tensor of the same name in the other checkpoint.
// Both are dequantized before they are compared.
struct tensor_difference {
  std::string name;
  bool present = true;  // the other has it, with the same shape; if not, equal is false too
  bool equal = true;    // every value is equal
  bool finite = true;   // all values of the other are finite; stays true if equal or not present
  double relative_error = 0;  // ||other - reference|| / ||reference||; 1 if only the reference is 0
  double zero_share = 0;      // share of values that are 0 in the other but not in the reference
};

// Compares all tensors, in the order of the reference's. Reads both checkpoints once.
std::vector<tensor_difference> compare_checkpoints(const model::checkpoint &reference,
                                                   const model::checkpoint &other);

}  // namespace assay::engine
