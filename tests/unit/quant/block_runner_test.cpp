// Tests the host's service assay.block/1, by which a plugin tries weights in a block: losses are those of the block,
// gradients equal autograd's, and weights that a trial does not replace stay as they are.
#include "catch.hpp"

#include <ATen/core/grad_mode.h>

#include "core/error.hpp"
#include "kernels/matmul.hpp"
#include "quant/views/block_runner.hpp"
#include "quant/views/block_view.hpp"
#include "quant_harness.hpp"
#include "tiny_model.hpp"

using namespace assay::quant;
using namespace quant_test;
using assay::plug::tensor_ref;

namespace {

// The runner on block 0 of the tiny model, with 5 sequences of 16 tokens in two chunks. Of the second
// chunk only 4 tokens are counted.
struct bench {
  bench()
      : decoder(
            assay::model::decoder::load(*assay::model::checkpoint::open(write_tiny_model(root)))) {
    runner_source source;
    source.now = [this] { return decoder.block(0); };
    source.before = decoder.block(0);
    source.context = [this](int64_t rows, int64_t tokens) { return decoder.context(rows, tokens); };
    at::NoGradGuard no_grad;
    ids = tiny_ids(5, 16);
    source.chunks.push_back({decoder.embed(ids.narrow(0, 0, 3)), {}, {}});
    const auto counted = at::tensor({5, 6, 20, 31}, at::kLong);
    source.chunks.push_back({decoder.embed(ids.narrow(0, 3, 2)), {}, counted});
    runner = std::make_unique<block_runner>(std::move(source));
    view = std::make_unique<block_view>(decoder.block(0), 2, block_statistics{},
                                        propagation_policy::fp, 5, arch, "");
    view->set_handle(runner->handle());
  }
  double loss(assay_trial &trial, const assay_tensor *const *gradients = nullptr) {
    trial.struct_size = sizeof trial;
    return runner->loss(view->get(), trial, gradients);
  }
  temporary_folder root;
  assay::model::decoder decoder;
  at::Tensor ids;
  std::string arch = "{}";
  std::unique_ptr<block_runner> runner;
  std::unique_ptr<block_view> view;
};

// A trial of one weight.
struct one_weight {
  one_weight(const char *name, const at::Tensor &weight) : ref(weight), names{name} {
    tensors[0] = ref.get();
    trial.n_weights = 1;
    trial.names = names;
    trial.weights = tensors;
  }
  tensor_ref ref;
  const char *names[1];
  const assay_tensor *tensors[1];
  assay_trial trial{};
};

}  // namespace

TEST_CASE(
    "a trial's loss is the mean squared change of the block's outputs, over the counted tokens",
    "[block_runner_test]") {
  bench b;
  at::NoGradGuard no_grad;
  const auto weight = b.decoder.block(0).up.weight * 0.8;
  one_weight tried("model.layers.0.mlp.up_proj", weight);
  auto changed = b.decoder.block(0);
  changed.up.weight = weight;
  const auto distance = [&](int64_t first, int64_t rows) {
    const auto h = b.decoder.embed(b.ids.narrow(0, first, rows));
    const auto context = b.decoder.context(rows, 16);
    return (changed.forward(h, context) - b.decoder.block(0).forward(h, context)).square();
  };
  const auto first = distance(0, 3).reshape({48, 64});
  const auto second =
      distance(3, 2).reshape({32, 64}).index_select(0, at::tensor({5, 6, 20, 31}, at::kLong));
  CHECK(b.runner->n_sequences() == 5);
  CHECK(b.loss(tried.trial) ==
        Approx((first.sum() + second.sum()).item<double>() / (52 * 64)).epsilon(1e-5));
  const int64_t chosen[] = {1, 4};  // the second sequence of each of two chunks
  tried.trial.sequences = chosen;
  tried.trial.n_sequences = 2;
  const double sum = (first.narrow(0, 16, 16).sum() + second.narrow(0, 2, 2).sum()).item<double>();
  CHECK(b.loss(tried.trial) == Approx(sum / (18 * 64)).epsilon(1e-5));
  tried.trial.sequences = nullptr;
  tried.trial.first_sequence = 4;
  tried.trial.n_sequences = 2;
  CHECK_THROWS_WITH(b.loss(tried.trial), assay_test::contains("sequence 5 of 5"));
}

TEST_CASE("a trial that replaces no weight has loss 0", "[block_runner_test]") {
  bench b;
  for (const uint32_t scope : {ASSAY_SCOPE_BLOCK, ASSAY_SCOPE_PARENT})
    for (uint32_t group = 0; group < 4; ++group) {
      assay_trial trial{};
      trial.scope = scope;
      trial.group = group;
      CHECK(b.loss(trial) == 0.0);
    }
}

// The parent of a group of linears is the part that holds it: attention or the MLP, without the residual.
TEST_CASE("a parent's loss is that of attention or of the MLP alone", "[block_runner_test]") {
  bench b;
  at::NoGradGuard no_grad;
  const auto weight = b.decoder.block(0).o.weight * 1.1;
  one_weight tried("model.layers.0.self_attn.o_proj", weight);
  tried.trial.scope = ASSAY_SCOPE_PARENT;
  tried.trial.group = 1;  // v_o
  tried.trial.n_sequences = 3;
  const auto &block = b.decoder.block(0);
  const auto h = b.decoder.embed(b.ids.narrow(0, 0, 3));
  const auto y = block.o(block.attention(block.attention_input(h), b.decoder.context(3, 16)));
  CHECK(b.loss(tried.trial) == Approx((0.1 * y).square().mean().item<double>()).epsilon(1e-4));
  tried.trial.group = 3;  // up_down: o is not part of the MLP
  CHECK(b.loss(tried.trial) == 0.0);
}

TEST_CASE("gradients equal those of LibTorch's autograd", "[block_runner_test]") {
  bench b;
  for (const char *name : {"model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj",
                           "model.layers.0.input_layernorm"}) {
    CAPTURE(name);
    auto changed = b.decoder.block(0);
    at::Tensor *place = nullptr;
    for (auto *linear : changed.linears())
      if (linear->name == name) place = &linear->weight;
    if (!place) place = &changed.attention_norm;
    auto leaf = (*place * 0.9).detach().contiguous();
    one_weight tried(name, leaf);
    auto slope = at::empty_like(leaf);
    const tensor_ref slope_ref(slope);
    const assay_tensor *slopes[] = {slope_ref.get()};
    tried.trial.n_sequences = 3;
    const double found = b.loss(tried.trial, slopes);
    // The expected values come from LibTorch's autograd in fp64.
    const auto h = [&] {
      at::NoGradGuard no_grad;
      return b.decoder.embed(b.ids.narrow(0, 0, 3)).to(at::kDouble);
    }();
    const auto wide = [](assay::model::decoder_block block) {
      for (auto *linear : block.linears()) linear->weight = linear->weight.to(at::kDouble);
      block.attention_norm = block.attention_norm.to(at::kDouble);
      block.mlp_norm = block.mlp_norm.to(at::kDouble);
      return block;
    };
    auto context = b.decoder.context(3, 16);
    auto &[cos, sin] = context.angles;
    cos = cos.to(at::kDouble), sin = sin.to(at::kDouble);
    const auto twin = leaf.to(at::kDouble).requires_grad_(true);
    auto double_block = wide(changed);
    for (auto *linear : double_block.linears())
      if (linear->name == name) linear->weight = twin;
    if (std::string(name).ends_with("layernorm")) double_block.attention_norm = twin;
    const auto target = wide(b.decoder.block(0)).forward(h, context).detach();
    const auto loss = (double_block.forward(h, context) - target).square().mean();
    loss.backward();
    CHECK(found == Approx(loss.item<double>()).epsilon(1e-4));
    const auto expected = twin.grad().to(at::kFloat);
    CHECK((slope - expected).norm().item<double>() < 1e-4 * expected.norm().item<double>());
  }
}

TEST_CASE("fast_linear and its gradients agree with at::linear", "[block_runner_test]") {
  auto x = at::randn({3, 7, 40}).requires_grad_(true), w = at::randn({24, 40}).requires_grad_(true);
  auto x2 = x.detach().clone().requires_grad_(true), w2 = w.detach().clone().requires_grad_(true);
  const auto y = assay::model::fast_linear(x, w), y2 = at::linear(x2, w2);
  y.square().sum().backward();
  y2.square().sum().backward();
  CHECK(at::allclose(y, y2, 1e-4, 1e-4));
  CHECK(at::allclose(x.grad(), x2.grad(), 1e-4, 1e-3));
  CHECK(at::allclose(w.grad(), w2.grad(), 1e-4, 1e-3));
}

// Narrow products round their factors to bfloat16. They are used only if a gradient is asked for.
TEST_CASE("narrow products change a gradient only by rounding, and change no loss",
          "[block_runner_test]") {
  bench b;
  const auto leaf = (b.decoder.block(0).gate.weight * 0.9).contiguous();
  one_weight tried("model.layers.0.mlp.gate_proj", leaf);
  const auto slope_of = [&](uint32_t products) {
    tried.trial.products = products;
    auto slope = at::empty_like(leaf);
    const tensor_ref slope_ref(slope);
    const assay_tensor *slopes[] = {slope_ref.get()};
    b.loss(tried.trial, slopes);
    return slope;
  };
  if (!assay::model::has_narrow_linear()) {
    CHECK_THROWS_WITH(slope_of(ASSAY_PRODUCTS_BF16), assay_test::contains("choose float32"));
    return;
  }
  const auto plain = slope_of(ASSAY_PRODUCTS_F32), narrow = slope_of(ASSAY_PRODUCTS_BF16);
  const double off = ((narrow - plain).norm() / plain.norm()).item<double>();
  CHECK(off > 1e-6);
  CHECK(off < 0.1);
  const double loss = b.loss(tried.trial);
  tried.trial.products = ASSAY_PRODUCTS_F32;
  CHECK(b.loss(tried.trial) == loss);
}

TEST_CASE("a misused trial is refused with the reason", "[block_runner_test]") {
  bench b;
  one_weight unknown("model.layers.0.mlp.side_proj", at::zeros({2, 2}));
  CHECK_THROWS_WITH(b.loss(unknown.trial), assay_test::contains("no linear or norm"));
  one_weight shape("model.layers.0.mlp.up_proj", at::zeros({2, 2}));
  CHECK_THROWS_WITH(b.loss(shape.trial), assay_test::contains("has another shape"));
  one_weight products("model.layers.0.mlp.up_proj", b.decoder.block(0).up.weight);
  products.trial.products = 2;
  CHECK_THROWS_WITH(b.loss(products.trial), assay_test::contains("products are unknown"));
  CHECK_THROWS_WITH(b.runner->fake_quantize("x", at::zeros({1})),
                    assay_test::contains("no quantizer to try"));
}
