// Tests attention that is computed in tiles (some keys at a time): it equals the plain formula for every mask, every layout of
// memory and every instruction set.
#include "kernels/attention.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "kernels/attention_tile.hpp"
#include "kernels/autograd_attention.hpp"
#include "kernels/autograd_linear.hpp"
#include "kernels/matmul.hpp"

namespace {

using namespace assay::model;

double distance(const at::Tensor &a, const at::Tensor &b) {
  return (a - b).abs().max().item<double>();
}

// Returns the largest difference of the gradients of q, k and v from LibTorch's in fp64, each relative to the largest entry.
// There are six query heads and two key heads.
double gradient_distance(int64_t tokens, int64_t window) {
  const at::Tensor q = at::randn({2, tokens, 6, 20}).transpose(1, 2),
                   k = at::randn({2, tokens, 2, 20}).transpose(1, 2),
                   v = at::randn({2, 2, tokens, 20}), slope = at::randn({2, tokens, 120});
  const auto leaves = [&](at::ScalarType dtype) {
    std::vector<at::Tensor> out;
    for (const auto &t : {q, k, v}) out.push_back(t.to(dtype).clone().requires_grad_(true));
    return out;
  };
  auto ours = leaves(at::kFloat), wide = leaves(at::kDouble);
  autograd_attention(ours[0], ours[1], ours[2], window, 0.3).backward(slope);
  const at::Tensor i = at::arange(tokens).unsqueeze(1), j = at::arange(tokens).unsqueeze(0);
  const at::Tensor seen = window > 0 ? (j <= i).logical_and(j > i - window) : j <= i;
  at::scaled_dot_product_attention(wide[0], wide[1], wide[2], seen, 0.0, false, 0.3, true)
      .transpose(1, 2)
      .reshape({2, tokens, 120})
      .backward(slope.to(at::kDouble));
  double worst = 0;
  for (size_t n = 0; n < 3; ++n)
    worst = std::max(worst, distance(ours[n].grad(), wide[n].grad()) /
                                wide[n].grad().abs().max().item<double>());
  return worst;
}

}  // namespace

// A panel is a run of queries that are computed together, up to 128 here, so 300 queries are three panels. A window hides the first
// keys from the last queries.
TEST_CASE("gradients of attention in panels are LibTorch's in double precision") {
  for (const auto &[tokens, window] :
       {std::pair<int64_t, int64_t>{300, 0}, {300, 40}, {128, 0}, {5, 0}, {2, 0}}) {
    CAPTURE(tokens, window);
    CHECK(gradient_distance(tokens, window) < 1e-5);
  }
}

// Narrow gradients: while an object narrow_gradients(true) lives, products round their factors to bfloat16.
TEST_CASE("narrow gradients stay near the exact ones, and end when their guard is destroyed") {
  if (!has_narrow_linear()) {
    WARN("skipped: this processor has no products in bfloat16");
    return;
  }
  {
    const narrow_gradients narrow(true);
    const double found = gradient_distance(300, 40);
    CHECK(found > 1e-5);
    CHECK(found < 0.03);
    const narrow_gradients plain(false);
    CHECK(gradient_distance(130, 0) < 1e-5);
  }
  CHECK_FALSE(narrow_gradients::on());
}

TEST_CASE("tiled attention equals LibTorch's under every mask") {
  for (const auto &[past, window, tokens] : {std::tuple<int64_t, int64_t, int64_t>{0, 0, 300},
                                             {0, 40, 300},
                                             {57, 0, 133},
                                             {57, 20, 133},
                                             {211, 0, 1},
                                             {211, 40, 1},
                                             {30, 0, 5},
                                             {0, 0, 32}}) {
    const at::NoGradGuard no_grad;
    const int64_t span = past + tokens;
    // The layouts of memory that the decoder gives: queries [rows, tokens, heads, d], keys in a cache with free room.
    const at::Tensor q = at::randn({2, tokens, 6, 20}).transpose(1, 2);
    const at::Tensor k = at::randn({2, 2, span + 9, 20}).narrow(2, 0, span);
    const at::Tensor v = at::randn({2, span, 2, 20}).transpose(1, 2);
    const at::Tensor i = at::arange(past, span).unsqueeze(1), j = at::arange(span).unsqueeze(0);
    const at::Tensor seen = window > 0 ? (j <= i).logical_and(j > i - window) : j <= i;
    const at::Tensor expected =
        at::scaled_dot_product_attention(q, k, v, seen, 0.0, false, 0.3, true)
            .transpose(1, 2)
            .reshape({2, tokens, 120});
    const std::vector<attention_segment> segments = {{0, 0, tokens, past, {{0, 0, 0, span}}},
                                                     {1, 0, tokens, past, {{1, 0, 0, span}}}};
    CHECK(distance(attend(q, k, v, segments, window, 0.3), expected) < 1e-5);
    CHECK(distance(attend_plainly(q, k, v, segments, window, 0.3), expected) < 1e-5);
  }
}

// A segment is a run of queries with the places of the keys that they see. The segments form a tree:
// a header of 70 tokens, two branches of 50 and 33 after it, a leaf of one token after the first
// branch; and a sequence of 5 tokens that shares nothing.
TEST_CASE("segments that share a prefix give what whole sequences give") {
  const at::NoGradGuard no_grad;
  const at::Tensor q = at::randn({1, 4, 159, 24}), k = at::randn({1, 2, 200, 24}),
                   v = at::randn({1, 2, 200, 24});
  const key_place header{0, 0, 0, 70}, first{0, 70, 70, 50}, second{0, 120, 70, 33},
      leaf{0, 153, 120, 1}, stranger{0, 160, 0, 5};
  const std::vector<attention_segment> tree = {{0, 0, 70, 0, {header}},
                                               {0, 70, 50, 70, {header, first}},
                                               {0, 120, 33, 70, {header, second}},
                                               {0, 153, 1, 120, {header, first, leaf}},
                                               {0, 154, 5, 0, {stranger}}};
  for (const int64_t window : {0, 60}) {
    const at::Tensor together = attend(q, k, v, tree, window, 0.2);
    CHECK(distance(together, attend_plainly(q, k, v, tree, window, 0.2)) < 1e-5);
    // header + second branch as one contiguous sequence
    const auto pick = [](const at::Tensor &t) {
      return at::cat({t.narrow(2, 0, 70), t.narrow(2, 120, 33)}, 2);
    };
    const at::Tensor alone =
        attend(pick(q), pick(k), pick(v), {{0, 0, 103, 0, {{0, 0, 0, 103}}}}, window, 0.2);
    CHECK(distance(alone.narrow(1, 70, 33), together.narrow(1, 120, 33)) < 1e-5);
  }
}

// The expected values are computed in fp64, score by score. The larger cap leaves most scores as they are.
TEST_CASE("a soft cap bends the scores before the mask, in tiles and in the plain formula") {
  for (const auto &[cap, window] : {std::pair<double, int64_t>{1.5, 0}, {1.5, 30}, {50.0, 30}}) {
    CAPTURE(cap, window);
    const at::Tensor q = at::randn({2, 6, 90, 20}), k = at::randn({2, 2, 90, 20}),
                     v = at::randn({2, 2, 90, 20}), slope = at::randn({2, 90, 120});
    const std::vector<attention_segment> segments = {{0, 0, 90, 0, {{0, 0, 0, 90}}},
                                                     {1, 0, 90, 0, {{1, 0, 0, 90}}}};
    const at::Tensor wide = q.to(at::kDouble).requires_grad_(true);
    const at::Tensor keys = k.to(at::kDouble).repeat_interleave(3, 1);
    const at::Tensor i = at::arange(90).unsqueeze(1), j = at::arange(90).unsqueeze(0);
    const at::Tensor seen = window > 0 ? (j <= i).logical_and(j > i - window) : j <= i;
    const at::Tensor scores = (at::matmul(wide, keys.transpose(2, 3)) * 0.3 / cap).tanh() * cap;
    const at::Tensor weights =
        scores.masked_fill(seen.logical_not(), -std::numeric_limits<double>::infinity())
            .softmax(-1);
    const at::Tensor expected = at::matmul(weights, v.to(at::kDouble).repeat_interleave(3, 1))
                                    .transpose(1, 2)
                                    .reshape({2, 90, 120});
    expected.backward(slope.to(at::kDouble));
    const at::Tensor leaf = q.clone().requires_grad_(true);
    const at::Tensor plain = attend_plainly(leaf, k, v, segments, window, 0.3, cap);
    plain.backward(slope);
    CHECK(distance(plain, expected) < 1e-5);
    CHECK(distance(leaf.grad(), wide.grad()) < 1e-5 * wide.grad().abs().max().item<double>());
    const at::NoGradGuard no_grad;
    CHECK(distance(attend(q, k, v, segments, window, 0.3, cap), expected) < 1e-5);
  }
}

TEST_CASE("a NaN in a key shows in every output that sees this key") {
  const at::NoGradGuard no_grad;
  const at::Tensor q = at::randn({1, 1, 3, 8}), k = at::randn({1, 1, 3, 8}),
                   v = at::randn({1, 1, 3, 8});
  k.select(2, 1).fill_(std::numeric_limits<double>::quiet_NaN());
  const at::Tensor out = attend(q, k, v, {{0, 0, 3, 0, {{0, 0, 0, 3}}}}, 0, 1.0);
  CHECK(out.select(1, 0).isfinite().all().item<bool>());
  CHECK(out.narrow(1, 1, 2).isnan().all().item<bool>());
}

// Computes one panel (queries side by side in vector lanes): 100 keys in two ranges, and `lanes` queries at positions from 60 on.
// A query sees the last 70 keys up to its position.
static void check_panel(int64_t lanes, float cap, void (*run)(const attention_panel &)) {
  const int64_t d = 20;
  const at::Tensor q = at::randn({d, lanes}), k = at::randn({100, d}), v = at::randn({100, d});
  const at::Tensor room = at::empty({2 * d * lanes + 32});
  auto *base = room.mutable_data_ptr<float>();
  base += (64 - reinterpret_cast<uintptr_t>(base) % 64) % 64 / sizeof(float);
  const at::Tensor query = at::from_blob(base, {d, lanes}),
                   out = at::from_blob(base + d * lanes, {d, lanes});
  query.copy_(q);
  alignas(64) int32_t positions[k_max_lanes];
  for (int64_t i = 0; i < lanes; ++i) positions[i] = static_cast<int32_t>(60 + i / 3);
  const float *keys = k.const_data_ptr<float>(), *values = v.const_data_ptr<float>();
  const key_range ranges[] = {{keys, values, d, d, 0, 37},
                              {keys + 37 * d, values + 37 * d, d, d, 37, 63}};
  run({base, d, ranges, 2, positions, 70, cap, base + d * lanes});
  at::Tensor products = k.to(at::kDouble).mm(q.to(at::kDouble));
  if (cap > 0) products = (products / cap).tanh() * cap;
  const at::Tensor scores = products * std::log(2.0);
  const at::Tensor at = at::from_blob(positions, {lanes}, at::kInt).unsqueeze(0),
                   key = at::arange(100, at::kInt).unsqueeze(1);
  const at::Tensor weights = scores
                                 .masked_fill((key > at).logical_or(key <= at - 70),
                                              -std::numeric_limits<double>::infinity())
                                 .softmax(0);
  CHECK(distance(out, v.to(at::kDouble).t().mm(weights)) < 1e-5);
}

TEST_CASE("every compiled tile kernel that runs here gives the plain softmax") {
  for (int64_t i = 0; i < n_attention_kernels(); ++i) {
    const attention_kernel &kernel = attention_kernel_at(i);
    INFO(kernel.name);
    for (const float cap : {0.0f, 3.0f, 50.0f}) {
      check_panel(kernel.wide_lanes, cap, kernel.wide);
      check_panel(kernel.narrow_lanes, cap, kernel.narrow);
    }
  }
}
