// Attention in tiles: the same as the plain formula, for every mask, layout and instruction set.
#include "model/attention.hpp"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>

#include "catch.hpp"
#include "model/attention_tile.hpp"

namespace {

using namespace assay::model;

double distance(const at::Tensor &a, const at::Tensor &b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

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
    // As they come: heads inside tokens for the queries, a cache with room to spare for the keys.
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

// A tree: a header of 70 tokens, two branches of 50 and 33 after it, a leaf of one token after the
// first; and a stranger of 5 with its own beginning.
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

TEST_CASE("a key that is not a number is not hidden") {
  const at::NoGradGuard no_grad;
  const at::Tensor q = at::randn({1, 1, 3, 8}), k = at::randn({1, 1, 3, 8}),
                   v = at::randn({1, 1, 3, 8});
  k.select(2, 1).fill_(std::numeric_limits<double>::quiet_NaN());
  const at::Tensor out = attend(q, k, v, {{0, 0, 3, 0, {{0, 0, 0, 3}}}}, 0, 1.0);
  CHECK(out.select(1, 0).isfinite().all().item<bool>());
  CHECK(out.narrow(1, 1, 2).isnan().all().item<bool>());
}

// One panel: 100 keys in two ranges, lanes at positions 60 .. and a window of 70.
static void check_panel(int64_t lanes, void (*run)(const attention_panel &)) {
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
  run({base, d, ranges, 2, positions, 70, base + d * lanes});
  const at::Tensor scores = k.to(at::kDouble).mm(q.to(at::kDouble)) * std::log(2.0);
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
    check_panel(kernel.wide_lanes, kernel.wide);
    check_panel(kernel.narrow_lanes, kernel.narrow);
  }
}
