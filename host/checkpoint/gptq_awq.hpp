// Reads GPTQ (v1, v2) and AWQ (gemm) checkpoints back into the one quantized form. formats.md 4.1,
// 4.2.
// Not a writer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/quantized_source.hpp"
#include "core/json.hpp"

namespace assay::model {

class gptq_awq_source : public quantized_source {
 public:
  // `config` is config.json with quant_method "gptq" or "awq"; throws error(failed) naming what it
  // cannot read.
  gptq_awq_source(std::shared_ptr<const tensor_source> raw, const json &config,
                  const std::string &where);
  const std::vector<tensor_info> &tensors() const override { return infos_; }
  at::Tensor tensor(const std::string &name) const override;
  const std::vector<std::string> &quantized() const override { return quantized_; }
  stored_linear read(const std::string &module) const override;

 private:
  stored_linear read_gptq(const std::string &module) const;
  stored_linear read_awq(const std::string &module) const;
  at::Tensor take(const std::string &name, at::ScalarType dtype, int64_t dims) const;
  void list_tensors();

  std::shared_ptr<const tensor_source> raw_;
  std::vector<tensor_info> infos_;
  std::vector<std::string> quantized_;
  std::string where_;
  int64_t bits_ = 4, group_size_ = 0;  // 0 = one group
  bool awq_ = false, symmetric_ = true;
  int zero_offset_ = 0;  // GPTQ v1 stores z - 1
};

}  // namespace assay::model
