// Lists the families of decoders, one row for each, as the modeling and configuration files of
// transformers 5 define them.
#include "model/decoder_families.hpp"

#include <array>

namespace assay::model {
namespace {

constexpr bias_rule k_attention_bias{"attention_bias", false}, k_mlp_bias{"mlp_bias", false};

// Defaults of transformers 5.23, models/NAME/configuration_NAME.py
// (tests/golden/make_config_defaults.py). The columns are the fields of config_defaults.
constexpr config_defaults k_llama{32000, 4096, 11008, 32, 32, 0, 0, 2048, 0, 1, 2, -1};
constexpr config_defaults k_mistral{32000, 4096, 14336, 32, 32, 8, 0, 131072, 4096, 1, 2, -1};
constexpr config_defaults k_qwen2{151936, 4096, 22016, 32, 32, 32, 0, 32768, 4096, -1, -1, -1};
constexpr config_defaults k_qwen3{151936, 4096, 22016, 32, 32, 32, 128, 32768, 4096, -1, -1, -1};
constexpr config_defaults k_seed_oss{155136, 4096, 27648, 64, 80, 8, 128, 524288, 0, 0, 2, 1};
constexpr config_defaults k_gemma2{256000, 2304, 9216, 26, 8, 4, 256, 8192, 4096, 2, 1, 0};
constexpr config_defaults k_gemma3{262208, 2304, 9216, 26, 8, 4, 256, 131072, 4096, 2, 1, 0};

constexpr family_key k_gemma2_keys[] = {{"hidden_activation", 0},
                                        {"query_pre_attn_scalar", 256},
                                        {"attn_logit_softcapping", 50},
                                        {"final_logit_softcapping", 30}};
// attn_logit_softcapping is no key of Gemma 3 here: its class has it, and its attention does not
// read it. A value is refused.
constexpr family_key k_gemma3_keys[] = {
    {"hidden_activation", 0},       {"query_pre_attn_scalar", 256},
    {"final_logit_softcapping", 0}, {"rope_local_base_freq", 10000},
    {"sliding_window_pattern", 6},  {"_sliding_window_pattern", 0}};

constexpr config_defaults k_olmo2{50304, 4096, 11008, 32, 32, 0, 0, 2048, 0, -1, 50279, 1};
constexpr config_defaults k_granite{32000, 4096, 11008, 32, 32, 0, 0, 2048, 0, 1, 2, -1};
constexpr config_defaults k_smollm3{128256, 2048,  11008, 36,     16,     4,
                                    0,      32768, 0,     128000, 128001, 128004};

constexpr config_defaults k_mixtral{32000, 4096, 14336, 32, 32, 8, 0, 131072, 0, 1, 2, -1};
constexpr config_defaults k_qwen3_moe{151936, 2048, 6144, 24, 32, 4, 0, 32768, 4096, -1, -1, -1};
constexpr config_defaults k_olmoe{50304, 2048, 2048, 16, 16, 0, 0, 4096, 0, -1, 50279, 1};

// Defaults of 0 mean that the other name of the count has the default.
constexpr family_key k_mixtral_keys[] = {
    {"num_local_experts", 8}, {"num_experts", 0}, {"num_experts_per_tok", 2}};
constexpr family_key k_qwen3_moe_keys[] = {
    {"num_experts", 128},           {"num_local_experts", 0}, {"num_experts_per_tok", 8},
    {"moe_intermediate_size", 768}, {"norm_topk_prob", 0},    {"decoder_sparse_step", 1},
    {"mlp_only_layers", 0}};
constexpr family_key k_olmoe_keys[] = {{"num_experts", 64},
                                       {"num_local_experts", 0},
                                       {"num_experts_per_tok", 8},
                                       {"norm_topk_prob", 0},
                                       {"clip_qkv", 0}};
constexpr expert_rule k_mixtral_experts{{"block_sparse_moe", "w1", "w3", "w2"}, nullptr, true};
constexpr expert_rule k_qwen3_moe_experts{{}, "moe_intermediate_size", false};
constexpr expert_rule k_olmoe_experts{};

constexpr family_key k_granite_keys[] = {{"embedding_multiplier", 1},
                                         {"residual_multiplier", 1},
                                         {"attention_multiplier", 1},
                                         {"logits_scaling", 1}};
constexpr family_key k_smollm3_keys[] = {{"no_rope_layers", 0}, {"no_rope_layer_interval", 4}};

constexpr family_maths olmo2() {
  family_maths out;
  out.norms = norm_order::after;
  out.whole_qk_norm = true;
  out.eps = 1e-5;
  return out;
}

constexpr family_maths granite() {
  family_maths out;
  out.keys = k_granite_keys;
  return out;
}

constexpr family_maths smollm3() {
  family_maths out;
  out.theta = 2e6;
  out.tied = true;
  out.keys = k_smollm3_keys;
  return out;
}

constexpr family_maths mixtral() {
  family_maths out;
  out.eps = 1e-5;
  out.theta = 1e6;
  out.keys = k_mixtral_keys;
  out.experts = &k_mixtral_experts;
  return out;
}

constexpr family_maths qwen3_moe() {
  family_maths out;
  out.keys = k_qwen3_moe_keys;
  out.experts = &k_qwen3_moe_experts;
  return out;
}

constexpr family_maths olmoe() {
  family_maths out;
  out.eps = 1e-5;
  out.whole_qk_norm = true;
  out.keys = k_olmoe_keys;
  out.experts = &k_olmoe_experts;
  return out;
}

constexpr family_maths gemma(bool third) {
  family_maths out;
  out.norms = norm_order::around;
  out.norm_offset = 1;
  out.act = activation::gelu_tanh;
  out.scaled_embedding = out.tied = true;
  out.full_every = third ? 6 : 2;
  out.local_rope = third;
  if (third) out.theta = 1e6;
  out.keys = third ? std::span<const family_key>(k_gemma3_keys) : k_gemma2_keys;
  return out;
}

constexpr std::array<decoder_family, 13> k_families{{
    {"llama", "LlamaForCausalLM", k_attention_bias, k_attention_bias, k_mlp_bias, false,
     window_rule::none, k_llama},
    {"mistral", "MistralForCausalLM", k_no_bias, k_no_bias, k_no_bias, false,
     window_rule::all_layers, k_mistral},
    {"qwen2", "Qwen2ForCausalLM", k_always_bias, k_no_bias, k_no_bias, false,
     window_rule::upper_layers, k_qwen2},
    {"qwen3", "Qwen3ForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::upper_layers, k_qwen3},
    {"gemma2", "Gemma2ForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, false,
     window_rule::all_but_nth, k_gemma2, gemma(false)},
    {"gemma3_text", "Gemma3ForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::all_but_nth, k_gemma3, gemma(true)},
    {"olmo2", "Olmo2ForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::none, k_olmo2, olmo2()},
    {"granite", "GraniteForCausalLM", k_attention_bias, k_attention_bias, k_mlp_bias, false,
     window_rule::none, k_granite, granite()},
    {"smollm3", "SmolLM3ForCausalLM", k_attention_bias, k_attention_bias, k_mlp_bias, false,
     window_rule::none, k_smollm3, smollm3()},
    {"seed_oss",
     "SeedOssForCausalLM",
     {"attention_bias", true},
     {"attention_out_bias", false},
     k_mlp_bias,
     false,
     window_rule::none,
     k_seed_oss},
    {"mixtral", "MixtralForCausalLM", k_no_bias, k_no_bias, k_no_bias, false,
     window_rule::all_layers, k_mixtral, mixtral()},
    {"qwen3_moe", "Qwen3MoeForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::all_if_used, k_qwen3_moe, qwen3_moe()},
    {"olmoe", "OlmoeForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::none, k_olmoe, olmoe()},
}};

}  // namespace

std::span<const decoder_family> decoder_families() {
  return k_families;
}

}  // namespace assay::model
