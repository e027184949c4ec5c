// Computes the gradient of attention, panel by panel of queries, for one key head and all query
// heads that share it. S = scale Q Kᵀ, P = softmax(S) and O = P V. dX is the gradient of the loss with
// respect to X, and * multiplies element by element:
//   dV = Pᵀ dO,  dS = P * (dO Vᵀ - rowsum(dO * O)),  dQ = scale dS K,  dK = scale dSᵀ Q.
#include "kernels/autograd_attention.hpp"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "kernels/attention.hpp"
#include "kernels/autograd_linear.hpp"
#include "kernels/matmul.hpp"
#include "kernels/threads.hpp"

namespace assay::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Queries times heads of a panel, so that its scores stay in the second-level cache.
constexpr int64_t k_panel_rows = 384;

// Queries [first, first + count) and the keys [low, low + seen) that at least one of them may see.
struct panel {
  int64_t first, count, low, seen;
  at::Tensor hidden;  // [count, seen], 0 or -inf
};

std::vector<panel> panels_of(int64_t tokens, int64_t group, int64_t window) {
  const int64_t step = std::max<int64_t>(32, k_panel_rows / group);
  std::vector<panel> out;
  for (int64_t first = 0; first < tokens; first += step) {
    const int64_t count = std::min(step, tokens - first),
                  low = window > 0 ? std::max<int64_t>(0, first - window + 1) : 0,
                  seen = first + count - low;
    const at::Tensor query = at::arange(first, first + count).unsqueeze(1),
                     key = at::arange(low, low + seen).unsqueeze(0);
    at::Tensor unseen = key > query;
    if (window > 0) unseen = unseen.logical_or(key <= query - window);
    out.push_back({first, count, low, seen,
                   at::zeros({count, seen}, at::kFloat)
                       .masked_fill(unseen, -std::numeric_limits<double>::infinity())});
  }
  return out;
}

// xᵀ y
at::Tensor multiply_across(const at::Tensor &x, const at::Tensor &y) {
  return multiply_factors(x.t().contiguous(), y.t().contiguous());
}

// Works on one key head of one row. Inputs and gradients are views: q, o, d_out, dq [group, tokens,
// d], k, v, dk, dv [tokens, d]. In run, `slope` is dO, `weight` is P, and `share` is rowsum(dO * O).
struct head_gradients {
  at::Tensor q, k, v, o, d_out, dq, dk, dv;

  void run(const std::vector<panel> &panels, double scale, at::ScalarType factors) const {
    const auto factor = [&](const at::Tensor &t) { return t.to(factors); };
    const int64_t group = q.size(0), d = q.size(2);
    const at::Tensor keys = factor(k.contiguous()), values = factor(v.contiguous()),
                     keys_t = keys.t().contiguous(),
                     share = (d_out * o).sum(2);  // [group, tokens]
    dk.zero_();
    dv.zero_();
    for (const panel &p : panels) {
      const int64_t rows = group * p.count;
      const auto of = [&](const at::Tensor &t) { return t.narrow(1, p.first, p.count); };
      const at::Tensor query = factor((of(q) * scale).reshape({rows, d})),
                       slope = factor(of(d_out).reshape({rows, d})),
                       key = keys.narrow(0, p.low, p.seen), value = values.narrow(0, p.low, p.seen);
      const at::Tensor scores = multiply_factors(query, key);
      scores.view({group, p.count, p.seen}).add_(p.hidden);
      const at::Tensor weight = scores.softmax(1);
      at::Tensor ds = multiply_factors(slope, value);
      ds.sub_(of(share).reshape({rows, 1})).mul_(weight);
      ds = factor(ds);
      of(dq).copy_(multiply_factors(ds, keys_t.narrow(1, p.low, p.seen).contiguous())
                       .mul_(scale)
                       .view({group, p.count, d}));
      dk.narrow(0, p.low, p.seen).add_(multiply_across(ds, query));
      dv.narrow(0, p.low, p.seen).add_(multiply_across(factor(weight), slope));
    }
  }
};

std::vector<attention_segment> whole_rows(int64_t rows, int64_t tokens) {
  std::vector<attention_segment> out;
  for (int64_t row = 0; row < rows; ++row)
    out.push_back({row, 0, tokens, 0, {{row, 0, 0, tokens}}});
  return out;
}

struct attention_function : torch::autograd::Function<attention_function> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &query,
                            const at::Tensor &key, const at::Tensor &value, int64_t window,
                            double scale) {
    at::Tensor out =
        attend(query, key, value, whole_rows(query.size(0), query.size(2)), window, scale);
    context->save_for_backward({query, key, value, out});
    context->saved_data["window"] = window;
    context->saved_data["scale"] = scale;
    context->saved_data["narrow"] = narrow_gradients::on();
    return out;
  }

  static variable_list backward(AutogradContext *context, const variable_list &gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &query = saved[0], &key = saved[1], &value = saved[2];
    const int64_t rows = query.size(0), heads = query.size(1), tokens = query.size(2),
                  kv_heads = key.size(1), group = heads / kv_heads, d = query.size(3);
    const auto by_head = [&](const at::Tensor &t) {  // [rows, heads, tokens, d]
      return t.view({rows, tokens, heads, d}).transpose(1, 2);
    };
    const at::Tensor out = by_head(saved[3]), d_out = by_head(gradients[0].contiguous());
    // Laid out as the projections need them: [rows, tokens, heads, d].
    const auto fresh = [&](int64_t n) {
      return at::empty({rows, tokens, n, d}, query.options()).transpose(1, 2);
    };
    const at::Tensor dq = fresh(heads), dk = fresh(kv_heads), dv = fresh(kv_heads);
    const double scale = context->saved_data["scale"].toDouble();
    const auto factors = context->saved_data["narrow"].toBool() ? at::kBFloat16 : at::kFloat;
    const auto panels = panels_of(tokens, group, context->saved_data["window"].toInt());
    parallel_for(0, rows * kv_heads, 1, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;  // each thread has a gradient mode of its own
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i / kv_heads, head = i % kv_heads;
        const auto queries = [&](const at::Tensor &t) {
          return t.select(0, row).narrow(0, head * group, group);
        };
        const auto of = [&](const at::Tensor &t) { return t.select(0, row).select(0, head); };
        head_gradients{queries(query), of(key),     of(value), queries(out),
                       queries(d_out), queries(dq), of(dk),    of(dv)}
            .run(panels, scale, factors);
      }
    });
    return {dq, dk, dv, {}, {}};
  }
};

}  // namespace

at::Tensor autograd_attention(const at::Tensor &query, const at::Tensor &key,
                              const at::Tensor &value, int64_t window, double scale) {
  return attention_function::apply(query, key, value, window, scale);
}

bool trains_in_panels(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value) {
  return at::GradMode::is_enabled() && is_plain_attention(query, key, value);
}

}  // namespace assay::model
