// Reads checkpoints in vLLM's format compressed-tensors: codes (integers or small floats), scales
// and zero points. Dequantizes the weights when they are asked for. FORMATS.md has the rules:
// "compressed-tensors tensors" and "compressed-tensors configuration".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aten.hpp"
#include "checkpoint/quantized_source.hpp"
#include "core/json.hpp"

namespace assay::model {

class compressed_tensors_source : public quantized_source {
 public:
  // raw: the tensors as stored. config: config.json. where: the folder, for messages. Throws
  // error(failed) for a format or a width of codes that is not supported; the message names it.
  compressed_tensors_source(std::shared_ptr<const tensor_source> raw, const json &config,
                            const std::string &where);
  const std::vector<tensor_info> &tensors() const override { return infos_; }
  at::Tensor tensor(const std::string &name) const override;  // "X.weight": dequantized, fp32
  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override;

  const std::vector<std::string> &quantized() const override { return quantized_; }
  stored_linear read(const std::string &module) const override;
  stored_linear outline(const std::string &module) const override;
  code_words words(const std::string &module) const override;

 private:
  struct scheme {  // one of config_groups: how the modules that match its targets are stored
    std::vector<std::string> targets;
    int64_t bits, group_size;
    bool symmetric, is_float;
    std::string format;
  };
  const scheme &scheme_of(const std::string &module) const;
  // Sets the scales, and the shape of the codes, of nvfp4 and mxfp4, two formats of 4-bit floats. The codes are the values
  // themselves, as float8. The scales of mxfp4 are powers of two in fp32. Those of nvfp4 are
  // float8, and are divided by the scale_divisor.
  void outline_four_bit_floats(const std::string &module, const std::string &format,
                               stored_linear &out) const;
  // Returns the tensor weight_shape after a check: [2] int64, the numbers out and in.
  at::Tensor shape_of(const std::string &module) const;
  std::shared_ptr<const tensor_source> raw_;
  std::vector<tensor_info> infos_;
  std::vector<std::string> quantized_;
  std::vector<scheme> schemes_;
  std::string where_;
};

}  // namespace assay::model
