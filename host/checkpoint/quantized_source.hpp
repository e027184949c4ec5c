// What all readers of quantized checkpoints give: the stored form of a linear and the weight it
// stands for.
// Not a quantizer, and no writer.
#pragma once

#include <string>
#include <vector>

#include "aten.hpp"
#include "checkpoint/tensor_source.hpp"

namespace assay::model {

// One linear as it is stored; the same form whatever the file's layout was.
struct stored_linear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  at::Tensor
      codes;  // [out, in] int8, signed: q in [-2^(b-1), 2^(b-1)-1]; float8 where the format is
  at::Tensor
      scales;  // [out, groups] in the stored dtype; groups = 1 for channel, [1, 1] for tensor
  at::Tensor
      zero_points;   // [out, groups] int8 or int16, in the codes' range; undefined if symmetric
  at::Tensor g_idx;  // [in] int32, group of each column; undefined = column / group_size
  int64_t bits = 0, group_size = 0;  // group_size 0 = one group over all of `in`
  bool symmetric = true;
  std::string format;  // "pack-quantized", "int-quantized", "float-quantized", "gptq", "awq"

  at::Tensor dequantize() const;  // fp32 [out, in]: (q - zp) * scale, in fp32
};

// tensor("X.weight") of a quantized module comes dequantized, fp32; everything else as it is
// stored.
class quantized_source : public tensor_source {
 public:
  virtual const std::vector<std::string> &quantized() const = 0;    // module names in file order
  virtual stored_linear read(const std::string &module) const = 0;  // throws if it is not quantized
};

}  // namespace assay::model
