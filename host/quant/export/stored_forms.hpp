// Gives the quantized weights of a checkpoint as forms, as a quantizer would have emitted them, so that an exporter can write
// them in another format. Codes, scales and zero points are those of the file; nothing is rounded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/quantized_source.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

// Names what no form can hold: a linear or tensor, and why.
struct unmapped {
  std::string where, why;
};

// Says why no form holds this linear, as a sentence; "" if one does. Reads g_idx and zero points, not the codes.
std::string why_not_moved(const model::stored_linear &stored);

// The outlines have all but the values of large tensors, which have only a shape (device meta); values_of() reads them from the file,
// one linear at a time.
class stored_forms : public value_source {
 public:
  // keep: names, roles or expressions as in recipe::keep; these weights are left out, so that they are written as floats.
  stored_forms(std::shared_ptr<const model::checkpoint> source,
               const std::vector<std::string> &keep, bool tied);

  // The outlines, in the order of the file.
  const std::vector<quantized_linear> &outlines() const { return outlines_; }
  // Matrices that the file stores in 16-bit floats and gives as float32: name and shape, in the stored dtype. A file of
  // 16-bit floats thereby keeps them.
  const std::vector<std::pair<std::string, at::Tensor>> &halves() const { return halves_; }
  const std::vector<unmapped> &problems() const { return problems_; }
  // Scales become float16, which some formats demand. Those of another dtype that float16 does not hold exactly are added
  // to problems().
  void demand_half_scales();

  at::Tensor values_of(const std::string &name, const at::Tensor &held) const override;
  const quantized_linear &values_of(const quantized_linear &held) const override;

 private:
  void outline_quantized(const std::vector<std::string> &keep, bool tied);
  void outline_blocks(const std::vector<std::string> &keep, bool tied);
  quantized_linear read(const std::string &name, bool values) const;

  std::shared_ptr<const model::checkpoint> source_;
  std::vector<quantized_linear> outlines_;
  std::vector<std::pair<std::string, at::Tensor>> halves_;
  std::vector<unmapped> problems_;
  bool all_centred_ = true;  // all zero points are those of a symmetric grid
  bool half_scales_ = false;
  mutable quantized_linear current_;  // the one that values_of() gave last
};

}  // namespace assay::quant
