// Compares models block by block and checkpoints tensor by tensor, by relative errors whose sums are
// computed in double.
#include "engine/layer_profile.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "core/error.hpp"

namespace assay::engine {
namespace {

double relative(const at::Tensor &own, const at::Tensor &reference) {
  const double norm = reference.norm(2, at::kDouble).item<double>();
  const double difference = (own - reference).norm(2, at::kDouble).item<double>();
  return norm > 0 ? difference / norm : (difference > 0 ? 1.0 : 0.0);
}

tensor_difference compare(const std::string &name, const at::Tensor &reference,
                          const at::Tensor &other) {
  tensor_difference out;
  out.name = name;
  out.equal = at::equal(reference, other);
  if (out.equal) return out;
  out.finite = at::isfinite(other).all().item<bool>();
  out.relative_error = relative(other, reference);
  const at::Tensor lost = other.eq(0).logical_and(reference.ne(0));
  out.zero_share =
      lost.sum().item<double>() / static_cast<double>(std::max<int64_t>(1, other.numel()));
  return out;
}

}  // namespace

std::vector<double> block_errors(const model::decoder &reference, const model::decoder &own,
                                 const at::Tensor &ids) {
  const at::NoGradGuard no_grad;
  if (reference.n_blocks() != own.n_blocks())
    throw error(error_kind::usage, "models of " + std::to_string(reference.n_blocks()) + " and " +
                                       std::to_string(own.n_blocks()) +
                                       " blocks cannot be compared block by block");
  at::Tensor theirs = reference.embed(ids), mine = own.embed(ids);  // [rows, tokens, hidden]
  const auto context = own.context(ids.size(0), ids.size(1));
  std::vector<double> out;
  for (int64_t i = 0; i < own.n_blocks(); ++i) {
    throw_if_cancelled();
    theirs = reference.block(i).forward(theirs, context);
    mine = own.block(i).forward(mine, context);
    out.push_back(relative(mine, theirs));
  }
  return out;
}

std::vector<tensor_difference> compare_checkpoints(const model::checkpoint &reference,
                                                   const model::checkpoint &other) {
  std::vector<tensor_difference> out;
  for (const model::tensor_info &info : reference.tensors().tensors()) {
    throw_if_cancelled();
    const model::tensor_info *there = other.tensors().find(info.name);
    if (there == nullptr || there->shape != info.shape) {
      tensor_difference missing;
      missing.name = info.name;
      missing.present = missing.equal = false;
      out.push_back(missing);
      continue;
    }
    out.push_back(compare(info.name, reference.tensors().tensor_as(info.name, at::kFloat),
                          other.tensors().tensor_as(info.name, at::kFloat)));
  }
  return out;
}

}  // namespace assay::engine
