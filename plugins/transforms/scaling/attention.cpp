// Scales keys against queries. The mean square of output j of y = W x is w_j^T H w_j / n, where w_j is
// row j of W and H = sum x x^T over n tokens. A bias is ignored, because its terms need the mean of x,
// which cannot be computed from H.
#include "attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "assay_json.hpp"
#include "channels.hpp"

namespace scaling {
namespace {

// Returns the linear with this role ("attn.q"), or null.
const assay_linear *layer_of(const assay_block &block, const char *role) {
  for (uint32_t i = 0; i < block.n_linears; ++i)
    if (std::strcmp(block.linears[i]->role, role) == 0) return block.linears[i];
  return nullptr;
}

// Returns the group whose channels this linear reads, or null.
const assay_group *group_of(const assay_block &block, const assay_linear &consumer) {
  for (uint32_t i = 0; i < block.n_groups; ++i)
    for (uint32_t j = 0; j < block.groups[i]->n_consumers; ++j)
      if (block.groups[i]->consumers[j] == &consumer) return block.groups[i];
  return nullptr;
}

// Returns the mean square of each output of a linear, [out].
std::vector<double> mean_squares(const assay_linear &linear, const assay_stats &stats) {
  const auto w = assay_cpp::matrix_of<float>(linear.weight, "a weight");
  const auto h = assay_cpp::matrix_of<float>(stats.hessian, "the Hessian");
  std::vector<double> out(static_cast<size_t>(w.rows));
  std::vector<float> product(static_cast<size_t>(w.columns));
  for (int64_t row = 0; row < w.rows; ++row) {
    std::fill(product.begin(), product.end(), 0.0f);
    for (int64_t i = 0; i < w.columns; ++i)
      for (int64_t j = 0; j < w.columns; ++j)
        product[static_cast<size_t>(j)] += w.row(row)[i] * h.row(i)[j];
    double sum = 0;
    for (int64_t j = 0; j < w.columns; ++j)
      sum +=
          static_cast<double>(product[static_cast<size_t>(j)]) * static_cast<double>(w.row(row)[j]);
    out[static_cast<size_t>(row)] = std::max(sum, 0.0) / static_cast<double>(stats.n_tokens);
  }
  return out;
}

// Multiplies one row of a linear and its bias by the factor.
void scale_row(const assay_linear &linear, int64_t row, float factor) {
  const auto w = assay_cpp::matrix_of<float>(linear.weight, "a weight");
  for (int64_t c = 0; c < w.columns; ++c) w.row(row)[c] *= factor;
  if (linear.bias) assay_cpp::matrix_of<float>(linear.bias, "a bias").data[row] *= factor;
}

}  // namespace

bool scale_keys(const assay_block &block, double alpha, std::string &reason) {
  const auto arch = assay_json::parse(block.arch_json);
  const auto heads = static_cast<int64_t>(arch.number_or("heads", 0)),
             kv_heads = static_cast<int64_t>(arch.number_or("kv_heads", 0)),
             head_dim = static_cast<int64_t>(arch.number_or("head_dim", 0));
  const assay_linear *q = layer_of(block, "attn.q"), *k = layer_of(block, "attn.k");
  if (arch.bool_or("qk_norm", false)) reason = "norms lie between the linears and attention";
  if (!q || !k || kv_heads <= 0 || heads % kv_heads || head_dim % 2) reason = "no heads to scale";
  if (!reason.empty()) return false;
  const assay_group *group = group_of(block, *k);
  if (!group || !group->stats || !group->stats->hessian) {
    reason = "no statistics of the input of q and k";
    return false;
  }
  const auto q_squares = mean_squares(*q, *group->stats),
             k_squares = mean_squares(*k, *group->stats);
  const int64_t half = head_dim / 2, shared = heads / kv_heads;
  for (int64_t head = 0; head < kv_heads; ++head) {
    std::vector<float> scale(static_cast<size_t>(half));
    const auto pair = [&](const std::vector<double> &squares, int64_t of, int64_t c) {
      const auto low = static_cast<size_t>(of * head_dim + c);
      return squares[low] + squares[low + static_cast<size_t>(half)];
    };
    for (int64_t c = 0; c < half; ++c) {
      double q_square = 0;
      for (int64_t i = 0; i < shared; ++i) q_square += pair(q_squares, head * shared + i, c);
      const double k_rms = std::sqrt(std::max(pair(k_squares, head, c) / 2, 1e-12)),
                   q_rms = std::sqrt(std::max(q_square / static_cast<double>(2 * shared), 1e-12));
      scale[static_cast<size_t>(c)] =
          static_cast<float>(std::pow(k_rms, alpha) / std::pow(q_rms, 1 - alpha));
    }
    normalise(scale);
    for (int64_t c = 0; c < head_dim; ++c) {
      const float s = scale[static_cast<size_t>(c % half)];
      scale_row(*k, head * head_dim + c, 1.0f / s);
      for (int64_t i = 0; i < shared; ++i) scale_row(*q, (head * shared + i) * head_dim + c, s);
    }
  }
  return true;
}

}  // namespace scaling
