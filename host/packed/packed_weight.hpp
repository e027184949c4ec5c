// Holds the weight of a linear or of the embedding as it is stored (codes, or rows of fp32, bfloat16 or
// float16), and multiplies with it in this form.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aten.hpp"
#include "packed/packed_linear.hpp"

namespace assay::model {

class packed_weight;

// Columns of a weight that are stored apart from the others, with more bits.
struct column_part {
  at::Tensor columns;  // [k] int64; a column may come again if its further weights are 0
  std::shared_ptr<const packed_weight> weight;  // [out, k]
};

class packed_weight {
 public:
  // format: what the file calls it ("Q4_0", "pack-quantized"), for reports.
  // parts: columns whose weights are 0 among the codes.
  packed_weight(packed_matrix codes, std::string format, std::vector<column_part> parts = {});
  // rows: [out, in] of float32, bfloat16 or float16, contiguous on the CPU; may borrow a mapped file.
  packed_weight(at::Tensor rows, std::string format);

  int64_t out_features() const;
  int64_t in_features() const;
  const std::string &format() const { return format_; }
  bool has_codes() const { return codes_.bits > 0; }
  int64_t bytes() const;  // bytes in memory, with those of a mapped file

  // x [.., in] fp32, bias [out] or undefined -> [.., out] fp32, a new tensor; sums in fp32.
  at::Tensor product(const at::Tensor &x, const at::Tensor &bias = {}) const;
  // Returns the products of several weights with the same x. biases: one for each weight. If all weights have codes
  // and there are few tokens, the threads start once for all products.
  static std::vector<at::Tensor> products(const std::vector<const packed_weight *> &weights,
                                          const at::Tensor &x,
                                          const std::vector<at::Tensor> &biases);
  // Returns whether product_int8() can be called. It rounds x to int8 for each token, multiplies whole
  // numbers, and otherwise does the same as product().
  bool multiplies_int8() const;
  at::Tensor product_int8(const at::Tensor &x, const at::Tensor &bias = {}) const;
  at::Tensor rows(const at::Tensor &ids) const;  // ids [n] int64 -> [n, in] fp32
  at::Tensor unpacked() const;                   // [out, in] fp32

 private:
  packed_matrix codes_;
  at::Tensor rows_;  // undefined if there are codes
  std::vector<column_part> parts_;
  std::string format_;
};

}  // namespace assay::model
