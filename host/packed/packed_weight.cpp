// Multiplies with a packed weight. Codes go through the packed kernels. Rows of floats go through row
// products or, for many tokens, are widened to fp32 piece by piece.
#include "packed/packed_weight.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "kernels/matmul.hpp"
#include "packed/finished_product.hpp"
#include "packed/packed_int8.hpp"

namespace assay::model {
namespace {

constexpr int64_t k_most_single = 8;             // tokens up to which row_linear multiplies
constexpr int64_t k_widened_at_once = 16 << 20;  // bytes of fp32, so that they stay in a cache

at::Tensor many_tokens(const at::Tensor &weight, const at::Tensor &x) {
  if (weight.scalar_type() == at::kFloat) return fast_linear(x, weight);
  const int64_t n = weight.size(0),
                at_once = std::max<int64_t>(64, k_widened_at_once / (weight.size(1) * 4));
  if (n <= at_once) return fast_linear(x, weight.to(at::kFloat));
  at::Tensor out = at::empty({x.size(0), n}, x.options());
  for (int64_t first = 0; first < n; first += at_once) {
    const int64_t count = std::min(at_once, n - first);
    out.narrow(1, first, count)
        .copy_(fast_linear(x, weight.narrow(0, first, count).to(at::kFloat)));
  }
  return out;
}

}  // namespace

packed_weight::packed_weight(packed_matrix codes, std::string format,
                             std::vector<column_part> parts)
    : codes_(std::move(codes)), format_(std::move(format)), parts_(std::move(parts)) {}

packed_weight::packed_weight(at::Tensor rows, std::string format)
    : rows_(std::move(rows)), format_(std::move(format)) {
  const auto type = rows_.scalar_type();
  if (rows_.dim() != 2 || !rows_.is_contiguous() || !rows_.is_cpu() ||
      (type != at::kFloat && type != at::kBFloat16 && type != at::kHalf))
    throw error(
        error_kind::failed,
        "a dense weight must be a contiguous matrix of float32, bfloat16 or float16 on the CPU");
}

int64_t packed_weight::out_features() const {
  return has_codes() ? codes_.rows : rows_.size(0);
}
int64_t packed_weight::in_features() const {
  return has_codes() ? codes_.columns : rows_.size(1);
}

int64_t packed_weight::bytes() const {
  int64_t total = has_codes() ? codes_.bytes() : static_cast<int64_t>(rows_.nbytes());
  for (const column_part &part : parts_)
    total += static_cast<int64_t>(part.columns.nbytes()) + part.weight->bytes();
  return total;
}

at::Tensor packed_weight::product(const at::Tensor &x, const at::Tensor &bias) const {
  if (has_codes()) {
    at::Tensor out = packed_product(codes_, x, bias);
    for (const column_part &part : parts_)
      out.add_(part.weight->product(x.index_select(-1, part.columns)));
    return out;
  }
  require_packed_input(x);
  const at::Tensor flat = x.reshape({-1, in_features()}).contiguous();
  const at::Tensor out =
      flat.size(0) <= k_most_single ? row_linear(flat, rows_) : many_tokens(rows_, flat);
  return finished_product(out, out_features(), x, bias);
}

std::vector<at::Tensor> packed_weight::products(const std::vector<const packed_weight *> &weights,
                                                const at::Tensor &x,
                                                const std::vector<at::Tensor> &biases) {
  std::vector<const packed_matrix *> codes;
  for (const packed_weight *weight : weights)
    if (weight->has_codes() && weight->parts_.empty()) codes.push_back(&weight->codes_);
  if (codes.size() == weights.size()) return packed_products(codes, x, biases);
  std::vector<at::Tensor> out;
  for (size_t i = 0; i < weights.size(); ++i) out.push_back(weights[i]->product(x, biases[i]));
  return out;
}

bool packed_weight::multiplies_int8() const {
  return has_codes() && parts_.empty() && model::multiplies_int8(codes_);
}

at::Tensor packed_weight::product_int8(const at::Tensor &x, const at::Tensor &bias) const {
  return packed_int8_product(codes_, x, bias);
}

at::Tensor packed_weight::rows(const at::Tensor &ids) const {
  if (!has_codes()) return rows_.index_select(0, ids.to(at::kLong)).to(at::kFloat);
  at::Tensor out = packed_rows(codes_, ids);
  for (const column_part &part : parts_) out.index_add_(1, part.columns, part.weight->rows(ids));
  return out;
}

at::Tensor packed_weight::unpacked() const {
  return rows(at::arange(out_features(), at::kLong));
}

}  // namespace assay::model
