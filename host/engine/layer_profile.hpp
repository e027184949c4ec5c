// How the error of a quantized model grows from block to block, and which tensors of a saved
// checkpoint differ from those it was made from. Not a judgement: gates compare with limits.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "model/decoder.hpp"

namespace assay::engine {

// After each block: ||own - reference|| / ||reference|| of the residual stream over all tokens of
// ids [rows, tokens] int64, both models run from the same ids. One value per block.
std::vector<double> block_errors(const model::decoder &reference, const model::decoder &own,
                                 const at::Tensor &ids);

// One tensor of the reference as the other checkpoint has it, dequantized.
struct tensor_difference {
  std::string name;
  bool present = true;        // in both, of equal shape; nothing below is set otherwise
  bool equal = true;          // every value
  bool finite = true;         // all values of the other are finite
  double relative_error = 0;  // ||other - reference|| / ||reference||
  double zero_share = 0;      // exact zeros in the other that the reference does not have
};

// In the order of the reference's tensors; reads both checkpoints once.
std::vector<tensor_difference> compare_checkpoints(const model::checkpoint &reference,
                                                   const model::checkpoint &other);

}  // namespace assay::engine
