// Reads checkpoints that were quantized by GPTQ (v1, v2) or AWQ (gemm), and gives each linear as a
// stored_linear (FORMATS.md, "AWQ" and "GPTQ").
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/quantized_source.hpp"
#include "core/json.hpp"

namespace assay::model {

class gptq_awq_source : public quantized_source {
 public:
  // raw: the tensors as stored. config: config.json with quant_method "gptq" or "awq". where: the
  // folder, for messages. Throws error(failed) for a layout or a width of codes that is not
  // supported; the message names it.
  gptq_awq_source(std::shared_ptr<const tensor_source> raw, const json &config,
                  const std::string &where);
  const std::vector<tensor_info> &tensors() const override { return infos_; }
  at::Tensor tensor(const std::string &name) const override;
  const std::vector<std::string> &quantized() const override { return quantized_; }
  stored_linear read(const std::string &module) const override;
  stored_linear outline(const std::string &module) const override;
  code_words words(const std::string &module) const override;

 private:
  stored_linear outline_gptq(const std::string &module) const;
  stored_linear outline_awq(const std::string &module) const;
  at::Tensor take(const std::string &name, at::ScalarType dtype, int64_t dims) const;
  void list_tensors();

  std::shared_ptr<const tensor_source> raw_;
  std::vector<tensor_info> infos_;
  std::vector<std::string> quantized_;
  std::string where_;
  int64_t bits_ = 4, group_size_ = 0;  // group_size_: weights that share a scale; 0 = a whole row
  bool awq_ = false, symmetric_ = true;
  int zero_offset_ = 0;  // added to stored zero points: 1 for GPTQ v1, which stores z - 1
};

}  // namespace assay::model
