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

constexpr std::array<decoder_family, 5> k_families{{
    {"llama", "LlamaForCausalLM", k_attention_bias, k_attention_bias, k_mlp_bias, false,
     window_rule::none, k_llama},
    {"mistral", "MistralForCausalLM", k_no_bias, k_no_bias, k_no_bias, false,
     window_rule::all_layers, k_mistral},
    {"qwen2", "Qwen2ForCausalLM", k_always_bias, k_no_bias, k_no_bias, false,
     window_rule::upper_layers, k_qwen2},
    {"qwen3", "Qwen3ForCausalLM", k_attention_bias, k_attention_bias, k_no_bias, true,
     window_rule::upper_layers, k_qwen3},
    {"seed_oss",
     "SeedOssForCausalLM",
     {"attention_bias", true},
     {"attention_out_bias", false},
     k_mlp_bias,
     false,
     window_rule::none,
     k_seed_oss},
}};

}  // namespace

std::span<const decoder_family> decoder_families() {
  return k_families;
}

}  // namespace assay::model
