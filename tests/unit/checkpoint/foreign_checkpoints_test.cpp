// Tests checkpoints of other programs (GPTQ, AWQ, LoRA adapters), and the description of a model.

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/gptq_awq.hpp"
#include "checkpoint/lora.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "model/decoder.hpp"
#include "model/describe_model.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

at::Tensor words(const std::vector<int64_t> &values) {
  return at::tensor(values, at::kLong).to(at::kInt);
}

std::shared_ptr<gptq_awq_source> open(const scratch_folder &folder, const json &quantization,
                                      const named_tensors &tensors) {
  write_safetensors(folder.file("x.safetensors"), tensors);
  const json config = {{"quantization_config", quantization}};
  return std::make_shared<gptq_awq_source>(open_safetensors_file(folder.file("x.safetensors")),
                                           config, "dir");
}

// Tensors of a GPTQ linear with 8 inputs, 8 outputs and one group. The code of input i is i for every
// output. `stored_zeros` is the packed word of the zero points.
named_tensors gptq_tensors(int64_t stored_zeros) {
  return {{"m.qweight", at::full({1, 8}, 0x76543210, at::kInt)},
          {"m.qzeros", words({stored_zeros}).reshape({1, 1})},
          {"m.scales", at::full({1, 8}, 0.5, at::kHalf)},
          {"m.g_idx", at::zeros({8}, at::kInt)}};
}

}  // namespace

TEST_CASE(
    "GPTQ packs codes along the inputs and zeros along the outputs; version 1 stores the zero "
    "minus one") {
  const scratch_folder folder;
  const at::Tensor q = at::arange(8).to(at::kFloat).unsqueeze(0);
  const at::Tensor z = at::arange(8).to(at::kFloat).unsqueeze(1);
  const json v2 = {
      {"quant_method", "gptq"}, {"bits", 4}, {"group_size", -1}, {"checkpoint_format", "gptq_v2"}};
  const auto second = open(folder, v2, gptq_tensors(0x76543210));
  CHECK(second->tensor("m.weight").equal((q - z) * 0.5));
  CHECK(second->find("m.weight")->shape == std::vector<int64_t>{8, 8});
  CHECK(second->find("m.weight")->stored == "gptq");
  CHECK_FALSE(second->read("m").g_idx.defined());
  const json v1 = {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", -1}};
  CHECK(open(folder, v1, gptq_tensors(0x76543210))->tensor("m.weight").equal((q - z - 1) * 0.5));
}

TEST_CASE("GPTQ with activation order reads the group of each input from g_idx") {
  const scratch_folder folder;
  named_tensors t = gptq_tensors(0);
  t[1].second = at::zeros({2, 1}, at::kInt);
  t[2].second = at::cat({at::ones({1, 8}), at::full({1, 8}, 10.0)}).to(at::kHalf);
  t[3].second = words({1, 0, 1, 0, 1, 0, 1, 0});
  const json v2 = {
      {"quant_method", "gptq"}, {"bits", 4}, {"group_size", 4}, {"checkpoint_format", "gptq_v2"}};
  const at::Tensor w = open(folder, v2, t)->tensor("m.weight");
  CHECK(w[0].equal(at::tensor({0.f, 1.f, 20.f, 3.f, 40.f, 5.f, 60.f, 7.f})));
}

TEST_CASE("3-bit GPTQ codes are packed without gaps, so two of 32 codes cross the end of a word") {
  const scratch_folder folder;
  // The example of host/checkpoint/FORMATS.md, "GPTQ": codes (i mod 8) for i = 0..31, zero points 4,
  // stored as 3 as version 1 does.
  const at::Tensor column = words({0x88fac688, 0xc688fac6, 0xfac688fa}).unsqueeze(1);
  const json v1 = {{"quant_method", "gptq"}, {"bits", 3}, {"group_size", -1}};
  const auto source = open(folder, v1,
                           {{"m.qweight", column.repeat({1, 32})},
                            {"m.qzeros", words({0xdb6db6db, 0xb6db6db6, 0x6db6db6d}).unsqueeze(0)},
                            {"m.scales", at::full({1, 32}, 0.25, at::kHalf)},
                            {"m.g_idx", at::zeros({32}, at::kInt)}});
  const at::Tensor row = (at::arange(32).remainder(8).to(at::kFloat) - 4) * 0.25;
  CHECK(source->find("m.weight")->shape == std::vector<int64_t>{32, 32});
  CHECK(source->tensor("m.weight").equal(row.unsqueeze(0).expand({32, 32})));
}

TEST_CASE("AWQ gemm interleaves the columns of a word") {
  const scratch_folder folder;
  // The example of host/checkpoint/FORMATS.md, "AWQ": codes 0..7 of one row are packed as 0x75316420.
  const json awq = {{"quant_method", "awq"},
                    {"bits", 4},
                    {"group_size", 2},
                    {"zero_point", true},
                    {"version", "GEMM"}};
  const auto source = open(folder, awq,
                           {{"m.qweight", at::full({2, 1}, 0x75316420, at::kInt)},
                            {"m.qzeros", words({0x88888888}).reshape({1, 1})},
                            {"m.scales", at::full({1, 8}, 2.0, at::kHalf)}});
  const at::Tensor column = (at::arange(8).to(at::kFloat) - 8) * 2;
  CHECK(source->tensor("m.weight").equal(at::stack({column, column}, 1)));
}

TEST_CASE("layouts that are not read are refused by name") {
  const scratch_folder folder;
  const auto problem = [&](const json &quantization) {
    try {
      open(folder, quantization, gptq_tensors(0));
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  CHECK(problem({{"quant_method", "awq"}, {"version", "gemv"}}) ==
        "the AWQ layout 'gemv' is not supported");
  CHECK(problem({{"quant_method", "gptq"}, {"bits", 5}}) == "GPTQ of 5 bits is not supported");
  CHECK(problem({{"quant_method", "gptq"}, {"bits", 3}}) ==
        "'m.qweight' does not hold whole codes");
  CHECK(problem({{"quant_method", "gptq"}, {"bits", 4}, {"checkpoint_format", "marlin"}}) ==
        "the GPTQ layout 'marlin' is not supported");
  named_tensors bad = gptq_tensors(0);
  bad[3].second = at::full({8}, 5, at::kInt);
  const json v1 = {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", -1}};
  CHECK_THROWS_WITH(open(folder, v1, bad)->read("m"), "dir: g_idx does not fit qweight (layer m)");
}

TEST_CASE(
    "a quantization method that is not supported is refused by the name that the metadata gives") {
  const auto problem = [](const json &quantization) {
    const scratch_folder folder;
    const std::string from = k_models + "llama-gqa-untied/";
    json config = json::parse(read_file(from + "config.json"));
    config["quantization_config"] = quantization;
    folder.write("config.json", config.dump());
    std::filesystem::copy_file(from + "model.safetensors", folder.path / "model.safetensors");
    try {
      checkpoint::open(folder.path.string());
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  const auto refusal = [](const std::string &method) {
    return "the checkpoint is quantized by '" + method + "', which is not supported";
  };
  CHECK(problem({{"quant_method", "bitsandbytes"}, {"load_in_4bit", true}}) ==
        refusal("bitsandbytes"));
  CHECK(problem({{"load_in_8bit", true}}) == refusal("bitsandbytes"));
  CHECK(problem({{"quant_method", "fp8"}}) == refusal("fp8"));
  CHECK(problem({{"bits", 4}}) == refusal("unknown"));
}

// The weight becomes W + B A alpha / r, with rslora W + B A alpha / sqrt(r).
TEST_CASE("a LoRA adapter is merged when its weights are read: rank, alpha, rslora") {
  for (const bool rslora : {false, true}) {
    const scratch_folder folder;
    const std::string q = "base_model.model.model.layers.1.self_attn.q_proj.lora_";
    const at::Tensor a = at::randn({4, 32}), b = at::randn({32, 4});
    write_safetensors(folder.file("adapter_model.safetensors"),
                      {{q + "A.weight", a}, {q + "B.weight", b}});
    const json config = {
        {"peft_type", "LORA"}, {"r", 4},
        {"lora_alpha", 16},    {"use_rslora", rslora},
        {"bias", "none"},      {"base_model_name_or_path", k_models + "llama-gqa-untied"}};
    folder.write("adapter_config.json", config.dump());
    const auto merged = checkpoint::open(folder.path.string());
    const auto base = checkpoint::open(k_models + "llama-gqa-untied");
    const std::string name = "model.layers.1.self_attn.q_proj.weight";
    const at::Tensor expected =
        base->tensors().tensor(name) + at::matmul(b, a) * (rslora ? 8.0 : 4.0);
    CHECK(merged->tensors().tensor(name).allclose(expected, 1e-5, 1e-6));
    CHECK(merged->tensors()
              .tensor("model.norm.weight")
              .equal(base->tensors().tensor("model.norm.weight")));
    CHECK(decoder::load(*merged).block(1).q.weight.allclose(expected, 1e-5, 1e-6));
    CHECK(merged->fingerprint() != base->fingerprint());
  }
}

TEST_CASE(
    "patterns give single modules a rank and an alpha of their own; fan_in_fan_out does not change "
    "linears") {
  const scratch_folder folder;
  const std::string stem = "base_model.model.model.layers.";
  const at::Tensor a4 = at::randn({4, 32}), b4 = at::randn({32, 4});
  const at::Tensor a2 = at::randn({2, 32}), b2 = at::randn({32, 2});
  write_safetensors(folder.file("adapter_model.safetensors"),
                    {{stem + "0.self_attn.q_proj.lora_A.weight", a4},
                     {stem + "0.self_attn.q_proj.lora_B.weight", b4},
                     {stem + "1.self_attn.q_proj.lora_A.weight", a2},
                     {stem + "1.self_attn.q_proj.lora_B.weight", b2},
                     {stem + "1.self_attn.o_proj.lora_A.weight", a4},
                     {stem + "1.self_attn.o_proj.lora_B.weight", b4}});
  const json config = {{"peft_type", "LORA"},
                       {"r", 4},
                       {"lora_alpha", 8},
                       {"fan_in_fan_out", true},
                       {"target_modules", {"q_proj", "o_proj"}},
                       {"rank_pattern", {{"model.layers.1.self_attn.q_proj", 2}}},
                       {"alpha_pattern", {{"layers\\.1\\..*q_proj", 10}, {"o_proj", 12}}}};
  folder.write("adapter_config.json", config.dump());
  const auto merged = open_lora(folder.path.string(), k_models + "llama-gqa-untied");
  const auto base = checkpoint::open(k_models + "llama-gqa-untied");
  const auto delta = [&](const std::string &module) {
    const std::string name = "model.layers." + module + ".weight";
    return merged->tensors().tensor(name) - base->tensors().tensor(name);
  };
  CHECK(delta("0.self_attn.q_proj").allclose(at::matmul(b4, a4) * 2.0, 1e-4, 1e-5));
  CHECK(delta("1.self_attn.q_proj").allclose(at::matmul(b2, a2) * 5.0, 1e-4, 1e-5));
  CHECK(delta("1.self_attn.o_proj").allclose(at::matmul(b4, a4) * 3.0, 1e-4, 1e-5));
}

TEST_CASE("adapters that PEFT wrote give the logits that PEFT gives") {
  const std::string adapters = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/lora/";
  for (const char *name : {"plain", "rslora-patterns", "fan-in-fan-out"}) {
    INFO(name);
    const auto golden = open_safetensors_file(adapters + name + "/golden.safetensors");
    const auto merged = open_lora(adapters + name, k_models + "llama-gqa-untied");
    const decoder model = decoder::load(*merged);
    const at::Tensor logits = model.logits(model.hidden(golden->tensor("ids"))),
                     expected = golden->tensor("logits");
    CHECK(((logits - expected).abs().max() / expected.abs().max()).item<double>() < 2e-5);
    CHECK((expected - golden->tensor("base_logits")).abs().max().item<double>() > 0.1);
  }
}

TEST_CASE("an adapter that is more than plain LoRA is refused") {
  const auto problem = [](const json &extra, const std::string &tensor) {
    const scratch_folder folder;
    json config = {{"peft_type", "LORA"},
                   {"r", 4},
                   {"lora_alpha", 16},
                   {"base_model_name_or_path", k_models + "llama-gqa-untied"}};
    config.update(extra);
    folder.write("adapter_config.json", config.dump());
    write_safetensors(folder.file("adapter_model.safetensors"), {{tensor, at::ones({4, 32})}});
    try {
      checkpoint::open(folder.path.string());
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  const std::string q = "base_model.model.model.layers.1.self_attn.q_proj";
  CHECK(problem({{"use_dora", true}}, q) == "adapter_config.json: use_dora is not supported");
  CHECK(problem({{"peft_type", "IA3"}}, q) ==
        "adapter_config.json: peft_type 'IA3' is not supported");
  CHECK(problem({{"modules_to_save", {"lm_head"}}}, q) ==
        "adapter_config.json: modules_to_save is not supported");
  CHECK(problem({{"trainable_token_indices", {1, 2}}}, q) ==
        "adapter_config.json: trainable_token_indices is not supported");
  CHECK(problem({{"init_lora_weights", "pissa_niter_4"}}, q) ==
        "adapter_config.json: init_lora_weights \"pissa_niter_4\" is not supported");
  CHECK(problem({{"lora_bias", true}}, q) == "adapter_config.json: lora_bias is not supported");
  CHECK(problem({{"use_qalora", true}}, q) == "adapter_config.json: use_qalora is not supported");
  CHECK(problem({{"alora_invocation_tokens", {1}}}, q) ==
        "adapter_config.json: alora_invocation_tokens is not supported");
  CHECK(problem({{"rank_pattern", json::object()}}, q + ".x") ==
        "the adapter's tensor '" + q + ".x' has no place in the base model");
  CHECK(problem(json::object(), q + ".lora_A.weight") ==
        "the adapter has only one half of '" + q + "'");
  CHECK(problem({{"base_model_name_or_path", "nowhere/model"}}, q) ==
        "the adapter's base model 'nowhere/model' is not here");
}

TEST_CASE("a model is described from its tensors") {
  const json d = describe_model(*checkpoint::open(k_models + "llama3-rope-biases-tied"), true);
  CHECK(d["architecture"] == "LlamaForCausalLM");
  CHECK(d["parameters"] == 27008);
  CHECK(d["tied"] == true);
  CHECK(d["supported"] == true);
  CHECK(d["rope"]["type"] == "llama3");
  CHECK(d["stored"]["BF16"]["bytes"] == 2 * 27008);
  CHECK(d["linears"].size() == 7);
  CHECK(d["linears"][6] ==
        json({{"role", "mlp.down"}, {"count", 3}, {"out", 32}, {"in", 48}, {"parameters", 4608}}));
  CHECK(d["fingerprint"].get<std::string>().size() == 64);
  const scratch_folder folder;
  json config = read_json_file(k_models + "llama-gqa-untied/config.json");
  config["model_type"] = "mamba";
  folder.write("config.json", config.dump());
  std::filesystem::copy(k_models + "llama-gqa-untied/model.safetensors",
                        folder.path / "model.safetensors");
  const json other = describe_model(*checkpoint::open(folder.path.string()));
  CHECK(other["supported"] == false);
  CHECK(other["why_not"] == "the architecture 'mamba' is not supported");
}
