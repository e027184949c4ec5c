// Tests the layer of experts: each expert gets its tokens and no others, experts in one tensor are the same as separate ones, and
// hooks, packed weights and decoders on demand work for the linears of experts.
#include <ATen/core/grad_mode.h>

#include "catch.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/file.hpp"
#include "model/decoder.hpp"
#include "model/describe_model.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";
const char *const k_names[] = {"qwen3_moe-dense-layer", "qwen3_moe-fused-window",
                               "mixtral-untied",        "mixtral-fused-window-tied",
                               "olmoe-untied",          "olmoe-clip-norm"};

at::Tensor some_ids(int64_t rows, int64_t tokens) {
  return (at::arange(rows * tokens, at::kLong) * 31 + 7).remainder(96).view({rows, tokens});
}

const decoder_block &first_with_experts(const decoder &model) {
  for (int64_t i = 0; i < model.n_blocks(); ++i)
    if (model.block(i).has_experts()) return model.block(i);
  throw std::logic_error("no block with experts");
}

// The weighted sum of the experts' outputs, token by token in double, from the formulas of the layer.
at::Tensor plain_experts(const expert_layer &layer, const at::Tensor &x) {
  std::vector<at::Tensor> out;
  for (const at::Tensor &token : x.to(at::kDouble).unbind(0)) {
    const at::Tensor scores = layer.router.weight.to(at::kDouble).mv(token).softmax(0);
    auto [weights, chosen] = scores.topk(layer.per_token);
    if (layer.normalized) weights = weights / weights.sum();
    at::Tensor sum = at::zeros_like(token);
    for (int64_t i = 0; i < layer.per_token; ++i) {
      const expert_mlp &one = layer.experts[static_cast<size_t>(chosen[i].item<int64_t>())];
      const at::Tensor gate = one.gate.weight.to(at::kDouble).mv(token);
      const at::Tensor hidden = gate * gate.sigmoid() * one.up.weight.to(at::kDouble).mv(token);
      sum = sum + weights[i] * one.down.weight.to(at::kDouble).mv(hidden);
    }
    out.push_back(sum);
  }
  return at::stack(out);
}

}  // namespace

TEST_CASE("a layer of experts computes the weighted sum of the chosen experts") {
  const at::NoGradGuard no_grad;
  for (const std::string name : k_names) {
    INFO(name);
    const decoder model = decoder::load(*checkpoint::open(k_models + name));
    const expert_layer &layer = first_with_experts(model).moe;
    for (const int64_t tokens : {1, 3, 200}) {
      const at::Tensor x = at::randn({tokens, 32}, at::kFloat), expected = plain_experts(layer, x);
      CHECK((layer.forward(x) - expected).abs().max().item<double>() <
            1e-5 * expected.abs().max().item<double>());
      CHECK(layer.forward(x.view({1, tokens, 32})).sizes() == at::IntArrayRef({1, tokens, 32}));
    }
  }
}

TEST_CASE("with autograd a layer of experts gives the same, and gradients of all that it used") {
  const decoder model = decoder::load(*checkpoint::open(k_models + "olmoe-untied"));
  expert_layer layer = first_with_experts(model).moe;
  const at::Tensor x = at::randn({40, 32}, at::kFloat);
  at::Tensor plain;
  {
    const at::NoGradGuard no_grad;
    plain = layer.forward(x);
  }
  for (linear_op *op : {&layer.router, &layer.experts[1].gate, &layer.experts[1].down})
    op->weight = op->weight.clone().requires_grad_(true);
  const at::Tensor out = layer.forward(x);
  CHECK(out.detach().allclose(plain, 1e-5, 1e-6));
  out.square().sum().backward();
  for (const linear_op *op : {&layer.router, &layer.experts[1].gate, &layer.experts[1].down})
    CHECK(op->weight.grad().abs().max().item<double>() > 0);
}

TEST_CASE("each token goes to as many experts as the model says, and the linears see these only") {
  const at::NoGradGuard no_grad;
  decoder model = decoder::load(*checkpoint::open(k_models + "qwen3_moe-dense-layer"));
  decoder_block &block = model.block(0);
  REQUIRE(block.has_experts());
  CHECK_FALSE(model.block(1).has_experts());
  CHECK(block.linears().size() == 5 + 3 * 6);
  CHECK(model.block(1).linears().size() == 7);
  CHECK(model.block(2).first_linear == 5 + 3 * 6 + 7);
  const at::Tensor x = at::randn({2, 30, 32}, at::kFloat);
  const std::vector<routed_tokens> routed = block.moe.route(x);
  std::vector<int64_t> seen(6, 0);
  int64_t total = 0;
  for (size_t i = 0; i < routed.size(); ++i) {
    total += routed[i].count();
    block.moe.experts[i].up.on_input = [&seen, i](const at::Tensor &input) {
      seen[i] += input.size(0);
      return input;
    };
  }
  CHECK(total == 60 * 3);
  block.moe.forward(x);
  for (size_t i = 0; i < routed.size(); ++i) CHECK(seen[i] == routed[i].count());
}

TEST_CASE("experts in one tensor of a layer are the same model as separate experts") {
  const std::string name = "mixtral-fused-window-tied";
  const auto fused = checkpoint::open(k_models + name);
  const decoder model = decoder::load(*fused);
  CHECK(model.block(0).moe.experts[3].up.name == "model.layers.0.block_sparse_moe.experts.3.w3");
  named_tensors separate;
  for (const tensor_info &info : fused->tensors().tensors())
    separate.emplace_back(info.name, fused->tensors().tensor(info.name));
  const scratch_folder folder;
  folder.write("config.json", read_file(k_models + name + "/config.json"));
  write_safetensors(folder.file("model.safetensors"), separate);
  const auto source = checkpoint::open(folder.path.string());
  const at::Tensor ids = some_ids(2, 9);
  const decoder other = decoder::load(*source);
  CHECK(other.logits(other.hidden(ids)).equal(model.logits(model.hidden(ids))));
  CHECK(describe_model(*source)["bytes"] == describe_model(*fused)["bytes"]);
  CHECK(fused->raw_tensors().has("model.layers.0.mlp.experts.gate_up_proj"));
}

TEST_CASE("experts run from packed weights, and are read on demand") {
  const at::Tensor ids = some_ids(2, 17);
  for (const std::string name : k_names) {
    INFO(name);
    const auto source = checkpoint::open(k_models + name);
    const decoder model = decoder::load(*source);
    const at::Tensor expected = model.logits(model.hidden(ids));
    load_options options;
    options.packed = true;
    const decoder packed = decoder::load(*source, options);
    CHECK(packed.packed_weights().size() >= model.linears().size() + 1);
    CHECK((packed.logits(packed.hidden(ids)) - expected).abs().max().item<double>() <
          1e-4 * expected.abs().max().item<double>());
    decoder streamed = decoder::load_on_demand(source);
    CHECK(streamed.block(0).linears().back()->weight.is_meta());
    streamed.bring_in(0);
    const auto read = streamed.block(0).linears();
    const auto all = model.block(0).linears();
    REQUIRE(read.size() == all.size());
    for (size_t i = 0; i < all.size(); ++i) CHECK(read[i]->weight.equal(all[i]->weight));
    streamed.let_go(0);
    CHECK(read.back()->weight.is_meta());
  }
}

TEST_CASE("a description counts the experts and the parameters that one token goes through") {
  const json facts = describe_model(*checkpoint::open(k_models + "qwen3_moe-dense-layer"));
  CHECK(facts["supported"] == true);
  CHECK(facts["unused_tensors"] == json::array());
  CHECK(facts["experts"]["count"] == 6);
  CHECK(facts["experts"]["per_token"] == 3);
  CHECK(facts["experts"]["layers"] == 2);
  const int64_t each = 3 * 32 * 16;
  CHECK(facts["experts"]["parameters"] == 2 * 6 * each);
  CHECK(facts["active_parameters"] == facts["parameters"].get<int64_t>() - 2 * 3 * each);
  bool router = false;
  for (const json &row : facts["linears"]) {
    if (row["role"] == "moe.router") router = row["count"] == 2 && row["out"] == 6;
    if (row["role"] == "mlp.up" && row["out"] == 16) CHECK(row["count"] == 12);
  }
  CHECK(router);
  CHECK_FALSE(describe_model(*checkpoint::open(k_models + "llama-gqa-untied")).contains("experts"));
}
