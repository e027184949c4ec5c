// Tests the decoder (the model that turns token ids into logits): its parts together give the whole forward pass, rows of a batch
// do not influence each other, hooks are called, configurations that it cannot run are refused.
#include "model/decoder.hpp"

#include <ATen/core/grad_mode.h>

#include <ATen/ops/gelu.h>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "kernels/fused_loops.hpp"
#include "kernels/matmul.hpp"
#include "model/device.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

decoder load(const std::string &name) {
  return decoder::load(*checkpoint::open(k_models + name));
}

at::Tensor some_ids(int64_t rows, int64_t tokens) {
  return at::arange(rows * tokens).remainder(89).reshape({rows, tokens});
}

double distance(const at::Tensor &a, const at::Tensor &b) {
  return (a - b).abs().max().item<double>();
}

// A copy of a golden model's folder, in which a test changes files.
struct spoiled_model {
  explicit spoiled_model(const std::string &name) {
    for (const auto &item : std::filesystem::directory_iterator(k_models + name))
      std::filesystem::copy(item.path(), folder.path / item.path().filename());
  }
  void set(const std::string &key, const json &value) {
    json config = read_json_file(folder.file("config.json"));
    config[key] = value;
    folder.write("config.json", config.dump());
  }
  std::string problem() const {
    try {
      decoder::load(*checkpoint::open(folder.path.string()));
    } catch (const error &e) {
      CHECK(e.where().rfind(folder.path.string(), 0) == 0);
      return e.message();
    }
    return "";
  }
  scratch_folder folder;
};

}  // namespace

TEST_CASE("steps give a block's forward pass bit for bit, and blocks give the model's") {
  const at::NoGradGuard no_grad;
  const decoder model = load("qwen3-bias-window");
  const at::Tensor ids = some_ids(2, 15);
  const forward_context context = model.context(2, 15);
  at::Tensor h = model.embed(ids);
  for (int64_t i = 0; i < model.n_blocks(); ++i) {
    const decoder_block &b = model.block(i);
    const at::Tensor middle = b.after_attention(h, b.attention(b.attention_input(h), context));
    const at::Tensor end = b.after_mlp(middle, b.mlp_hidden(b.mlp_input(middle)));
    CHECK(end.equal(b.forward(h, context)));
    h = end;
  }
  CHECK(model.final_norm(h).equal(model.hidden(ids)));
}

TEST_CASE(
    "the differentiable path gives the fused path's values, and a gradient reaches a weight") {
  decoder model = load("llama3-rope-biases-tied");
  const forward_context context = model.context(1, 11);
  at::Tensor h, fused;
  {
    const at::NoGradGuard no_grad;
    h = model.embed(some_ids(1, 11));
    fused = model.block(0).forward(h, context);
  }
  decoder_block candidate = model.block(0);
  candidate.up.weight = candidate.up.weight.clone().set_requires_grad(true);
  const at::Tensor loss = candidate.forward(h, context);
  CHECK(distance(loss.detach(), fused) < 1e-5);
  loss.sum().backward();
  CHECK(candidate.up.weight.grad().abs().sum().item<float>() > 0);
  CHECK_FALSE(model.block(0).up.weight.requires_grad());  // the decoder's own weights are untouched
}

TEST_CASE("rows of different lengths share a batch without touching each other") {
  for (const std::string name : {"llama-gqa-untied", "mistral-short-window", "qwen3-bias-window"}) {
    INFO(name);
    const decoder model = load(name);
    kv_cache cache(model.config(), 3, 24);
    const std::vector<int64_t> lengths{4, 13, 9};
    for (int64_t r = 0; r < 3; ++r) model.hidden(some_ids(1, lengths[r]), &cache, {r});
    const at::Tensor step = at::tensor({7, 8, 9}, at::kLong).unsqueeze(1);
    const at::Tensor together = model.hidden(step, &cache, {0, 1, 2});
    for (int64_t r = 0; r < 3; ++r) {
      const at::Tensor alone =
          model.hidden(at::cat({some_ids(1, lengths[r]), step.narrow(0, r, 1)}, 1));
      CHECK(distance(together.select(0, r), alone.select(0, 0).narrow(0, lengths[r], 1)) < 1e-4);
      CHECK(cache.length(r) == lengths[r] + 1);
    }
    // The rows of a call may use any slots of the cache, in any order, and add several tokens at once.
    const at::Tensor more = some_ids(2, 3);
    const at::Tensor two = model.hidden(more, &cache, {2, 0});
    const at::Tensor alone =
        model.hidden(at::cat({some_ids(1, 4), step.narrow(0, 0, 1), more.narrow(0, 1, 1)}, 1));
    CHECK(distance(two.select(0, 1), alone.select(0, 0).narrow(0, 5, 3)) < 1e-4);
  }
}

TEST_CASE("a rewound or copied slot continues as if nothing had been there") {
  const decoder model = load("qwen2-window");
  kv_cache cache(model.config(), 2, 32);
  model.hidden(some_ids(1, 10), &cache, {0});
  cache.copy_slot(0, 1);
  const at::Tensor first = model.hidden(some_ids(1, 6), &cache, {0});
  cache.set_length(0, 10);
  CHECK(model.hidden(some_ids(1, 6), &cache, {0}).equal(first));
  CHECK(distance(model.hidden(some_ids(1, 6), &cache, {1}), first) < 1e-5);
}

TEST_CASE("a full cache is an error before anything is stored") {
  const decoder model = load("llama-gqa-untied");
  kv_cache cache(model.config(), 1, 8);
  CHECK_THROWS_WITH(model.hidden(some_ids(1, 9), &cache),
                    "the KV cache holds 8 tokens per sequence, not 9");
  CHECK(cache.length(0) == 0);
}

TEST_CASE("hooks see the input of a linear and the new keys and values") {
  decoder model = load("llama-gqa-untied");
  const at::Tensor plain = model.hidden(some_ids(1, 5));
  int64_t n_inputs = 0, n_kv = 0;
  for (linear_op *op : model.linears())
    if (op->role == "mlp.down")
      op->on_input = [&](const at::Tensor &x) {
        CHECK(x.sizes() == at::IntArrayRef({1, 5, 48}));
        ++n_inputs;
        return x * 2;
      };
  model.on_kv = [&](int64_t layer, at::Tensor &k, at::Tensor &v) {
    CHECK(layer == n_kv++);
    CHECK(k.sizes() == at::IntArrayRef({1, 2, 5, 8}));
    v = v * 0;
  };
  CHECK_FALSE(model.hidden(some_ids(1, 5)).equal(plain));
  CHECK(n_inputs == 3);
  CHECK(n_kv == 3);
}

TEST_CASE("a copy is a variant: replacing its weight leaves the subject alone") {
  const decoder subject = load("llama-gqa-untied");
  const at::Tensor before = subject.hidden(some_ids(1, 5));
  decoder variant = subject;
  CHECK(variant.linears()[0]->weight.data_ptr() == subject.linears()[0]->weight.data_ptr());
  variant.linears()[0]->weight = at::zeros_like(variant.linears()[0]->weight);
  CHECK_FALSE(variant.hidden(some_ids(1, 5)).equal(before));
  CHECK(subject.hidden(some_ids(1, 5)).equal(before));
}

TEST_CASE("linears come in forward order, seven per block, with roles and groups") {
  decoder model = load("llama3-rope-biases-tied");
  const auto linears = model.linears();
  REQUIRE(linears.size() == 21);
  std::string roles;
  for (size_t i = 7; i < 14; ++i)
    roles += linears[i]->role + ":" + group_name(linears[i]->group) + " ";
  CHECK(roles ==
        "attn.q:qkv attn.k:qkv attn.v:qkv attn.o:o mlp.gate:gate_up mlp.up:gate_up mlp.down:down ");
  CHECK(linears[13]->name == "model.layers.1.mlp.down_proj");
  CHECK(linears[13]->block == 1);
  CHECK(linears[13]->bias.defined());
  CHECK(model.head().weight.data_ptr() == model.embedding().data_ptr());
  CHECK(model.config().eos_ids == std::vector<int64_t>{2, 3});
  uint64_t n = 0;
  const auto source = checkpoint::open(k_models + "llama3-rope-biases-tied");
  for (const tensor_info &info : source->tensors().tensors())
    n += static_cast<uint64_t>(info.numel());
  CHECK(model.n_parameters() == n);
}

TEST_CASE("an fp32 checkpoint is used in place") {
  const auto source = checkpoint::open(k_models + "llama-gqa-untied");
  decoder model = decoder::load(*source);
  CHECK(model.block(1).v.weight.data_ptr() ==
        source->tensors().tensor("model.layers.1.self_attn.v_proj.weight").data_ptr());
}

TEST_CASE("what cannot be computed exactly is refused by name with what is supported") {
  const std::string tail = " is not supported";
  const auto with = [&](const std::string &key, const json &value) {
    spoiled_model m("llama-gqa-untied");
    m.set(key, value);
    return m.problem();
  };
  CHECK(with("model_type", "qwen3_moe") == "the architecture 'qwen3_moe'" + tail);
  CHECK(with("num_experts", 8) == "config.json: 'num_experts' = 8" + tail);
  CHECK(with("num_experts", 0).empty());
  CHECK(with("hidden_act", "gelu") == "config.json: the activation 'gelu'" + tail);
  CHECK(with("final_logit_softcapping", 30.0) ==
        "config.json: 'final_logit_softcapping' = 30.0" + tail);
  CHECK(with("rope_parameters", {{"rope_type", "yarn"}, {"factor", 4.0}}) ==
        "config.json: the RoPE type 'yarn'" + tail);
  CHECK(with("rope_parameters", {{"full_attention", {{"rope_theta", 1.0}}}}) ==
        "config.json: RoPE parameters per layer type ('full_attention')" + tail);
  spoiled_model m("llama-gqa-untied");
  m.set("model_type", "gemma");
  CHECK_THROWS_WITH(
      decoder::load(*checkpoint::open(m.folder.path.string())),
      contains("Supported are llama, mistral, qwen2, qwen3, gemma2, gemma3_text, "
               "olmo2, granite, smollm3, seed_oss with default, linear or llama3 RoPE"));
}

TEST_CASE("an unknown key is refused if its name and value may change what is computed") {
  const auto with = [&](const std::string &key, const json &value) {
    spoiled_model m("llama-gqa-untied");
    m.set(key, value);
    return m.problem();
  };
  const auto refused = [&](const std::string &key, const json &value) {
    return with(key, value) == "config.json: '" + key + "' = " + value.dump() + " is not supported";
  };
  CHECK(refused("rope_condense_ratio", 8));
  CHECK(refused("attention_value_scale", 0.5));
  CHECK(refused("use_qk_norm", true));
  CHECK(refused("sliding_window_pattern", 6));
  CHECK(refused("num_local_experts", 8));
  CHECK(refused("pruned_heads", {{"0", {1, 2}}}));
  CHECK(refused("hidden_activation", "gelu_pytorch_tanh"));
  // Accepted: keys with a value that changes nothing, and keys about training, kernels or remarks.
  for (const auto &[key, value] :
       std::vector<std::pair<std::string, json>>{{"rope_condense_ratio", 1},
                                                 {"use_qk_norm", false},
                                                 {"pruned_heads", json::object()},
                                                 {"attention_dropout", 0.1},
                                                 {"_attn_implementation", "sdpa"},
                                                 {"use_flash_attention", true},
                                                 {"chunk_size_feed_forward", 0},
                                                 {"unsloth_fixed", true},
                                                 {"pretraining_tp", 2},
                                                 {"rope_interleaved", false},
                                                 {"conversation_template", "chatml"}}) {
    INFO(key);
    CHECK(with(key, value).empty());
  }
}

TEST_CASE("a model of a known family that is no language model is refused by its class") {
  spoiled_model m("llama-gqa-untied");
  m.set("architectures", {"LlamaForSequenceClassification"});
  CHECK(m.problem() ==
        "config.json: the architectures [\"LlamaForSequenceClassification\"] (not "
        "'LlamaForCausalLM') is not supported");
  spoiled_model old("llama-gqa-untied");
  old.set("architectures", {"LLaMAForCausalLM"});
  CHECK(old.problem().empty());
}

TEST_CASE("a config that does not fit the weights is one clear error") {
  const auto with = [&](const std::string &key, const json &value) {
    spoiled_model m("llama-gqa-untied");
    m.set(key, value);
    return m.problem();
  };
  CHECK(with("intermediate_size", 64) ==
        "tensor 'model.layers.0.mlp.gate_proj.weight' has the shape [48, 32], but the config asks "
        "for [64, 32]");
  CHECK(with("num_hidden_layers", 4) ==
        "the weights lack the tensor 'model.layers.3.input_layernorm.weight'");
  CHECK(with("num_hidden_layers", 2) == "config.json says 2 layers, but the weights have more");
  CHECK(with("num_attention_heads", 0) == "config.json: 'num_attention_heads' must be at least 1");
  CHECK(with("num_key_value_heads", 3) ==
        "config.json: num_attention_heads is no multiple of num_key_value_heads");
  CHECK(with("hidden_size", "big") == "config.json: 'hidden_size' is not a sensible whole number");
  CHECK(with("vocab_size", nullptr) == "config.json lacks 'vocab_size'");
  CHECK(with("attention_bias", true) ==
        "the weights lack the tensor 'model.layers.0.self_attn.q_proj.bias'");
  CHECK(with("rope_parameters", {{"rope_type", 5}}) == "config.json: 'rope_type' is not a name");
  CHECK(with("quantization_config", {{"quant_method", 5}}) ==
        "a configuration file does not have the expected form");
  spoiled_model biases("llama3-rope-biases-tied");
  biases.set("attention_bias", false);
  CHECK(
      biases.problem() ==
      "the weights have 'model.layers.0.self_attn.q_proj.bias', which the config does not ask for");
}

TEST_CASE("a folder that is no model says what is missing") {
  const scratch_folder folder;
  CHECK_THROWS_WITH(checkpoint::open(folder.file("none")), contains("there is no such model"));
  CHECK_THROWS_WITH(checkpoint::open(folder.path.string()),
                    contains("the folder has no config.json"));
  folder.write("config.json", "{}");
  CHECK_THROWS_WITH(
      checkpoint::open(folder.path.string()),
      contains("the folder has neither model.safetensors nor model.safetensors.index.json"));
  CHECK_THROWS_WITH(checkpoint::open(folder.file("config.json")), contains("the file is not GGUF"));
  spoiled_model gptq("llama-gqa-untied");
  gptq.set("quantization_config", {{"quant_method", "hqq"}});
  CHECK(gptq.problem() == "the checkpoint is quantized by 'hqq', which is not supported");
  CHECK_FALSE(
      checkpoint::open(k_models + "llama-gqa-untied")->read_tokenizer().has(k_tokenizer_json));
}

TEST_CASE("the fingerprint follows the weights and the config, not the path") {
  spoiled_model a("qwen2-window"), b("qwen2-window");
  CHECK(checkpoint::open(a.folder.path.string())->fingerprint() ==
        checkpoint::open(b.folder.path.string())->fingerprint());
  b.set("rms_norm_eps", 1e-4);
  CHECK(checkpoint::open(a.folder.path.string())->fingerprint() !=
        checkpoint::open(b.folder.path.string())->fingerprint());
}

TEST_CASE("devices and dtypes are named or refused") {
  CHECK(open_device("cpu") == at::kCPU);
  CHECK_THROWS_WITH(open_device("gpu"), "'gpu' is not a device. Use cpu, cuda or cuda:N");
  CHECK_THROWS_WITH(open_device("cuda:x"), "'cuda:x' is not a device. Use cpu, cuda or cuda:N");
  if (!why_no_cuda().empty()) CHECK_THROWS_WITH(open_device("cuda"), contains("no CUDA because "));
  CHECK(parse_dtype("bf16") == at::kBFloat16);
  CHECK(dtype_name(at::kFloat) == "float32");
  CHECK_THROWS_WITH(parse_dtype("int8"), contains("'int8' is not a compute dtype"));
}

TEST_CASE("a product of few rows equals the plain one, whatever the rows and the ends") {
  const at::NoGradGuard no_grad;
  const double near = 5e-5;  // each result sums 70 products, in another order than at::linear
  for (const int64_t rows : {2, 7, 16, 17, 48, 49}) {
    const at::Tensor x = at::randn({1, rows, 70}), w = at::randn({131, 70}), b = at::randn({131}),
                     r = at::randn({1, rows, 131});
    CHECK(distance(fast_linear(x, w), at::linear(x, w)) < near);
    CHECK(distance(fast_linear(x, w, b), at::linear(x, w, b)) < near);
    CHECK(distance(fast_linear_add(r, x, w, b), r + at::linear(x, w, b)) < near);
  }
}

TEST_CASE("the fast product equals the plain one, with bias and residual") {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({2, 9, 33}), w = at::randn({17, 33}), b = at::randn({17}),
                   r = at::randn({2, 9, 17});
  CHECK(distance(fast_linear(x, w, b), at::linear(x, w, b)) < 1e-5);
  CHECK(distance(fast_linear(x, w), at::linear(x, w)) < 1e-5);
  CHECK(distance(fast_linear_add(r, x, w, b), r + at::linear(x, w, b)) < 1e-5);
  CHECK(distance(fast_linear(x.select(1, 0).narrow(0, 0, 1), w),
                 at::linear(x.select(1, 0).narrow(0, 0, 1), w)) < 1e-5);
}

TEST_CASE("the fused loops equal the tensor operations that they stand for") {
  const at::Tensor x = at::randn({37, 50}) * 3, w = at::randn({50}), u = at::randn({37, 50});
  at::Tensor y = at::empty_like(x);
  for (const float offset : {0.0f, 1.0f}) {
    kernels::rms_norm(x.const_data_ptr<float>(), w.const_data_ptr<float>(),
                      y.mutable_data_ptr<float>(), 37, 50, 1e-5f, offset);
    CHECK(distance(y, x * at::rsqrt(x.pow(2).mean(-1, true) + 1e-5) * (offset + w)) < 1e-5);
  }
  at::Tensor g = at::cat({x.flatten(), at::tensor({-200.0f, 200.0f, -88.0f, 0.0f, -0.0f})});
  const at::Tensor up = at::cat({u.flatten(), at::ones({5})});
  const at::Tensor silu = at::silu(g.to(at::kDouble)) * up;
  // In fp64 GELU's 1 + tanh(u) cancels for u << 0, so that the twin has the form without it.
  const at::Tensor wide_g = g.to(at::kDouble);
  const at::Tensor gelu =
      wide_g * (1.5957691216057308 * (wide_g + 0.044715 * wide_g.pow(3))).sigmoid() * up;
  CHECK(distance(gelu, at::gelu(wide_g, "tanh") * up) < 1e-12);
  at::Tensor h = g.clone();
  kernels::silu_mul(g.mutable_data_ptr<float>(), up.const_data_ptr<float>(), g.numel());
  CHECK(((g - silu).abs() / (silu.abs() + 1e-6)).max().item<double>() < 1e-6);
  kernels::gelu_mul(h.mutable_data_ptr<float>(), up.const_data_ptr<float>(), h.numel());
  CHECK(((h - gelu).abs() / (gelu.abs() + 1e-6)).max().item<double>() < 2e-6);
  const at::Tensor wide = at::randn({3, 1003}) * 20;
  for (int64_t r = 0; r < 3; ++r) {
    int64_t top = -1;
    const float lse = kernels::log_sum_exp(wide[r].const_data_ptr<float>(), 1003, &top);
    CHECK(lse == Approx(at::logsumexp(wide[r].to(at::kDouble), 0).item<double>()).epsilon(1e-6));
    CHECK(top == wide[r].argmax().item<int64_t>());
  }
}
