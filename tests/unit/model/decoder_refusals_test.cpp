// Tests that models which the decoder does not run are refused with one clear message: architectures, keys of config.json, weights
// that do not fit them.
#include "catch.hpp"
#include "core/error.hpp"
#include "model/decoder.hpp"
#include "spoiled_model.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;
using assay_test::k_models;
using assay_test::spoiled_model;

TEST_CASE(
    "what cannot be computed exactly is refused by name, and the message lists what is supported") {
  const std::string tail = " is not supported";
  const auto with = [&](const std::string &key, const json &value) {
    spoiled_model m("llama-gqa-untied");
    m.set(key, value);
    return m.problem();
  };
  for (const std::string family :
       {"deepseek_v2", "deepseek_v3", "gpt_oss", "qwen2_moe", "phimoe", "granitemoe"})
    CHECK(with("model_type", family) == "the architecture '" + family + "'" + tail);
  CHECK(with("num_experts", 8) == "config.json: 'num_experts' = 8" + tail);
  CHECK(with("num_experts", 0).empty());
  CHECK(with("n_shared_experts", 1) == "config.json: 'n_shared_experts' = 1" + tail);
  CHECK(with("hidden_act", "gelu") == "config.json: the activation 'gelu'" + tail);
  CHECK(with("final_logit_softcapping", 30.0) ==
        "config.json: 'final_logit_softcapping' = 30.0" + tail);
  CHECK(with("rope_parameters", {{"rope_type", "yarn"}, {"factor", 4.0}}) ==
        "config.json: the RoPE type 'yarn'" + tail);
  CHECK(with("rope_parameters", {{"full_attention", {{"rope_theta", 1.0}}}}) ==
        "config.json: RoPE parameters per layer type ('full_attention')" + tail);
  spoiled_model m("llama-gqa-untied");
  m.set("model_type", "gemma");
  CHECK_THROWS_WITH(decoder::load(*checkpoint::open(m.folder.path.string())),
                    contains("Supported are llama, mistral, qwen2, qwen3, gemma2, gemma3_text, "
                             "olmo2, granite, smollm3, seed_oss, mixtral, qwen3_moe, olmoe with "
                             "default, linear or llama3 RoPE"));
}

TEST_CASE("what transformers itself does not compute for Gemma 3 is refused") {
  const auto with = [&](const std::string &key, const json &value) {
    spoiled_model m("gemma3-pattern-untied");
    m.set(key, value);
    return m.problem();
  };
  const std::string tail = " is not supported";
  CHECK(with("attn_logit_softcapping", 50.0) ==
        "config.json: 'attn_logit_softcapping' = 50.0" + tail);
  CHECK(with("use_bidirectional_attention", true) ==
        "config.json: 'use_bidirectional_attention' = true" + tail);
  CHECK(with("rope_scaling", {{"type", "linear"}, {"factor", 8.0}}) ==
        "config.json: 'type' in rope_scaling, for which this family has 'rope_type'," + tail);
  CHECK(with("hidden_activation", "gelu") == "config.json: the activation 'gelu'" + tail);
  CHECK(with("query_pre_attn_scalar", 0) ==
        "config.json: 'query_pre_attn_scalar' must be greater than 0");
  CHECK(with("sliding_window_pattern", 0) ==
        "config.json: 'sliding_window_pattern' must be at least 1");
  CHECK(with("rope_parameters", {{"rope_theta", 5.0}}) ==
        "config.json: the RoPE parameter 'rope_theta' outside of a layer type" + tail);
}

TEST_CASE(
    "an unknown key is refused if its name and value suggest that it changes what is computed") {
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
  // These keys are accepted: their value changes nothing, or their name has nothing to do with what a model computes.
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
