// Reads compressed-tensors checkpoints back: codes, scales, zero points, and the weights they stand
// for. Not the writer (plugins/exporters/compressed_tensors). formats.md 4.3, 4.4.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "model/tensor_source.hpp"

namespace assay::model {

// One linear as it is stored.
struct stored_linear {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  at::Tensor codes;  // [out, in] int8, signed: q in [-2^(b-1), 2^(b-1)-1]
  at::Tensor
      scales;  // [out, groups] in the stored dtype; groups = 1 for channel, [1, 1] for tensor
  at::Tensor zero_points;  // [out, groups] int8, signed; undefined if symmetric
  at::Tensor g_idx;        // [in] int32, group of each column; undefined = column / group_size
  int64_t bits = 0, group_size = 0;  // group_size 0 = one group over all of `in`
  bool symmetric = true;
  std::string format;  // "pack-quantized", "int-quantized", "float-quantized"

  at::Tensor dequantize() const;  // fp32 [out, in]: (q - zp) * scale, in fp32
};

class compressed_tensors_source : public tensor_source {
 public:
  // `config` is config.json; throws error(failed) naming what it cannot read.
  compressed_tensors_source(std::shared_ptr<const tensor_source> raw, const json &config,
                            const std::string &where);
  const std::vector<tensor_info> &tensors() const override { return infos_; }
  at::Tensor tensor(const std::string &name) const override;  // "X.weight" comes dequantized, fp32
  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override;

  const std::vector<std::string> &quantized() const {
    return quantized_;
  }                                                     // module names in file order
  stored_linear read(const std::string &module) const;  // throws if the module is not quantized

 private:
  struct scheme {
    std::vector<std::string> targets;
    int64_t bits, group_size;
    bool symmetric, is_float;
    std::string format;
  };
  const scheme &scheme_of(const std::string &module) const;
  at::Tensor shape_of(const std::string &module) const;  // weight_shape, [2] int64, checked
  std::shared_ptr<const tensor_source> raw_;
  std::vector<tensor_info> infos_;
  std::vector<std::string> quantized_;
  std::vector<scheme> schemes_;
  std::string where_;
};

}  // namespace assay::model
