// Defines the common interface of the readers of quantized checkpoints: they give a linear (one
// weight matrix) as it is stored, and its dequantized weight.
#pragma once

#include <string>
#include <vector>

#include "aten.hpp"
#include "checkpoint/tensor_source.hpp"

namespace assay::model {

// One linear as it is stored. Every format is brought into this form:
// weight[o][i] = (codes[o][i] - zero_points[o][g]) * scales[o][g], where g is the group of column i.
// Where there is a scale_divisor, the scales are divided by it first.
struct stored_linear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  // [out, in] int8 in [-2^(bits-1), 2^(bits-1) - 1]: if a file's codes begin at 0, they are shifted
  // down by 2^(bits-1). If the format stores floats: the values themselves, as float8.
  at::Tensor codes;
  // [out, groups], floats; [out, 1] for one scale per row, [1, 1] for one scale in all. Those of
  // nvfp4 are float8, those of mxfp4 powers of two.
  at::Tensor scales;
  at::Tensor scale_divisor;  // fp32 [1, 1] by which all scales are divided; undefined = 1
  // [out, groups] int8 or int16, shifted down like the codes; undefined if the file has none.
  at::Tensor zero_points;
  at::Tensor g_idx;  // [in] int32, group of each column; undefined = column / group_size
  int64_t bits = 0, group_size = 0;  // group_size 0 = one group for the whole row
  bool symmetric = true;
  std::string format;  // "gptq", "awq", or a format of compressed-tensors such as "int-quantized"

  at::Tensor dequantize() const;  // [out, in]; computes the formula above in fp32
  // Throws error(failed), with `where` as its place, if a scale is infinite or not a number, or if a code
  // stands for no value: beyond `bits`, or a float that is infinite or not a number.
  void require_values(const std::string &where) const;
  // Counts the scales that are zero, so that all weights of their groups are zero.
  int64_t zero_scales() const;
};

// A matrix without values, on the device meta.
at::Tensor shape_only(int64_t rows, int64_t columns, at::ScalarType dtype);

// The codes of a linear where they lie in the file: 32-bit words in which the codes of a row follow each other without gaps, lowest
// bits first, so that 32 codes fill as many words as they have bits. Word w of a row is at first + row * row_stride + w * word_stride.
struct code_words {
  at::Tensor held;  // keeps the bytes; undefined = the codes of this linear lie in another way
  const uint8_t *first = nullptr;
  int64_t row_stride = 0, word_stride = 0;  // bytes
  uint32_t flip = 0;                        // bits to turn in each word, so that codes count from 0
};

// tensor("X.weight") of a quantized module X is dequantized, in fp32. Other tensors are as stored.
class quantized_source : public tensor_source {
 public:
  virtual const std::vector<std::string> &quantized() const = 0;  // module names in file order
  // Reads one module. Throws error(failed) if it is not quantized or its parts do not fit together.
  virtual stored_linear read(const std::string &module) const = 0;
  // The same without the values of the codes: packed codes have a shape and a dtype only (device meta). The other tensors are
  // there, but their values are not checked (require_values).
  virtual stored_linear outline(const std::string &module) const = 0;
  virtual code_words words(const std::string &) const { return {}; }
};

}  // namespace assay::model
