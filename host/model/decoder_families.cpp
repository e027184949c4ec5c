// Lists the families, one row each, as the modeling files of transformers 5 define them.
#include "model/decoder_families.hpp"

#include <array>

namespace assay::model {
namespace {

constexpr bias_rule k_attention_bias{"attention_bias", false}, k_mlp_bias{"mlp_bias", false};

constexpr std::array<decoder_family, 5> k_families{{
    {"llama", "LlamaForCausalLM", k_attention_bias, k_attention_bias, k_mlp_bias, false,
     window_rule::none},
    {"mistral", "MistralForCausalLM", k_no_bias, k_no_bias, k_no_bias, false,
     window_rule::all_layers},
    {"qwen2", "Qwen2ForCausalLM", k_always_bias, k_no_bias, k_no_bias, false,
     window_rule::upper_layers},
    {"qwen3", "Qwen3ForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::upper_layers},
    {"seed_oss",
     "SeedOssForCausalLM",
     {"attention_bias", true},
     {"attention_out_bias", false},
     k_mlp_bias,
     false,
     window_rule::none},
}};

}  // namespace

std::span<const decoder_family> decoder_families() {
  return k_families;
}

}  // namespace assay::model
