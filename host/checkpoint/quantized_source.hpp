// Defines what all readers of quantized checkpoints give: a linear as it is stored, and
// its dequantized weight.
#pragma once

#include <string>
#include <vector>

#include "aten.hpp"
#include "checkpoint/tensor_source.hpp"

namespace assay::model {

// One linear as it is stored, in one form whatever the layout of the file.
struct stored_linear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  // [out, in] int8, signed: q in [-2^(b-1), 2^(b-1)-1]; float8 where the format is.
  at::Tensor codes;
  // [out, groups] in the stored dtype; groups = 1 for channel, [1, 1] for tensor. Of nvfp4 float8,
  // of mxfp4 powers of two.
  at::Tensor scales;
  at::Tensor scale_divisor;  // fp32 [1, 1] by which all scales are divided; undefined = 1
  // [out, groups] int8 or int16, in the codes' range; undefined if symmetric.
  at::Tensor zero_points;
  at::Tensor g_idx;  // [in] int32, group of each column; undefined = column / group_size
  int64_t bits = 0, group_size = 0;  // group_size 0 = one group over all of `in`
  bool symmetric = true;
  std::string format;  // "pack-quantized", "int-quantized", "float-quantized", "gptq", "awq"

  at::Tensor dequantize() const;  // fp32 [out, in]: (q - zp) * scale, in fp32
};

// tensor("X.weight") of a quantized module is dequantized, fp32; other tensors are as stored.
class quantized_source : public tensor_source {
 public:
  virtual const std::vector<std::string> &quantized() const = 0;    // module names in file order
  virtual stored_linear read(const std::string &module) const = 0;  // throws if it is not quantized
};

}  // namespace assay::model
