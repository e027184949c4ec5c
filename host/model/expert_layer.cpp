// Routes tokens to experts and sums the experts' outputs, in the order of transformers' plain ("eager") code.
#include "model/expert_layer.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "kernels/threads.hpp"
#include "model/gated_hidden.hpp"

namespace assay::model {
namespace {

at::Tensor flat(const at::Tensor &x) {
  return x.reshape({-1, x.size(-1)});
}

// Returns for each expert the places of its entries in the flat list `chosen` [tokens * per_token], ascending.
std::vector<std::vector<int64_t>> by_expert(const at::Tensor &chosen, size_t n_experts) {
  const at::Tensor list = chosen.to(at::kCPU).contiguous();
  const int64_t *expert = list.const_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> out(n_experts);
  for (int64_t i = 0; i < list.numel(); ++i) out[static_cast<size_t>(expert[i])].push_back(i);
  return out;
}

}  // namespace

std::vector<routed_tokens> expert_layer::route(const at::Tensor &x) const {
  const at::Tensor tokens = flat(x);
  const at::Tensor scores = at::softmax(router(tokens).to(at::kFloat), -1);
  auto [weights, chosen] = scores.topk(per_token, -1);
  if (normalized) weights = weights / weights.sum(-1, true);
  weights = weights.to(x.scalar_type()).reshape({-1, 1});
  std::vector<routed_tokens> out;
  for (const std::vector<int64_t> &entries : by_expert(chosen.flatten(), experts.size())) {
    const at::Tensor where = at::tensor(entries, at::kLong).to(x.device());
    out.push_back({where.div(per_token, "floor"), weights.index_select(0, where)});
  }
  return out;
}

at::Tensor expert_layer::hidden(size_t expert, const at::Tensor &x) const {
  return gated_hidden(experts[expert].gate, experts[expert].up, act, x);
}

at::Tensor expert_layer::add_weighted(at::Tensor sum, const routed_tokens &tokens,
                                      const at::Tensor &y) {
  if (!runs_fused(sum) || !runs_fused(y) || !runs_fused(tokens.weights))
    return sum.index_add(0, tokens.places, y * tokens.weights);
  const int64_t width = y.size(1);
  const int64_t *place = tokens.places.const_data_ptr<int64_t>();
  const float *weight = tokens.weights.const_data_ptr<float>(), *from = y.const_data_ptr<float>();
  float *to = sum.mutable_data_ptr<float>();
  // A token has an expert at most once, so no two rows are added to the same one.
  parallel_for(0, tokens.count(), std::max<int64_t>(1, 32768 / width),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) {
                   const float factor = weight[row], *in = from + row * width;
                   float *out = to + place[row] * width;
                   for (int64_t i = 0; i < width; ++i) out[i] += factor * in[i];
                 }
               });
  return sum;
}

at::Tensor expert_layer::forward(const at::Tensor &x) const {
  const at::Tensor tokens = flat(x);
  const std::vector<routed_tokens> routed = route(tokens);
  at::Tensor sum = at::zeros_like(tokens, at::MemoryFormat::Contiguous);
  for (size_t i = 0; i < experts.size(); ++i) {
    if (routed[i].count() == 0) continue;
    const at::Tensor mine = tokens.index_select(0, routed[i].places);
    sum = add_weighted(std::move(sum), routed[i], experts[i].down(hidden(i, mine)));
  }
  return sum.view(x.sizes());
}

}  // namespace assay::model
