// Tests that keys which config.json leaves out get the values of the family's configuration class in transformers.
#include "catch.hpp"
#include "core/error.hpp"
#include "model/decoder_config.hpp"

using namespace assay;
using namespace assay::model;

TEST_CASE("keys that config.json leaves out have the values that transformers' class gives them") {
  const json golden =
      read_json_file(std::string(ASSAY_SOURCE_DIR) + "/tests/golden/config_defaults.json");
  REQUIRE(golden["rows"].size() > 50);
  for (const json &row : golden["rows"]) {
    INFO(row["name"].get<std::string>());
    const json &e = row["expected"];
    const auto read = [&] { return parse_decoder_config(row["config"], "config.json"); };
    if (e["heads"].get<int64_t>() % e["kv_heads"].get<int64_t>() != 0) {  // no such model can exist
      CHECK_THROWS_WITH(read(), assay_test::contains("num_attention_heads is no multiple"));
      continue;
    }
    const decoder_config c = read();
    CHECK(c.vocab_size == e["vocab_size"]);
    CHECK(c.hidden_size == e["hidden_size"]);
    CHECK(c.intermediate_size == e["intermediate_size"]);
    CHECK(c.n_layers == e["layers"]);
    CHECK(c.n_heads == e["heads"]);
    CHECK(c.n_kv_heads == e["kv_heads"]);
    CHECK(c.head_dim == e["head_dim"]);
    CHECK(c.max_positions == e["max_positions"]);
    CHECK(c.rms_norm_eps == e["rms_norm_eps"]);
    CHECK(c.rope.type == e["rope_type"]);
    CHECK(c.rope.theta == e["rope_theta"]);
    CHECK(c.rope.factor == e["rope_factor"]);
    if (!e["rope_original"].is_null()) CHECK(c.rope.original_max_positions == e["rope_original"]);
    CHECK(c.tied == e["tied"]);
    CHECK(json({c.qkv_bias, c.o_bias, c.mlp_bias}) == e["biases"]);
    CHECK(c.windows == e["windows"].get<std::vector<int64_t>>());
    CHECK(c.eos_ids == e["eos"].get<std::vector<int64_t>>());
    CHECK(json(c.bos_id ? json(*c.bos_id) : json()) == e["bos"]);
    CHECK(json(c.pad_id ? json(*c.pad_id) : json()) == e["pad"]);
    const bool gemma = c.family.starts_with("gemma");
    CHECK((c.act == activation::gelu_tanh) == gemma);
    CHECK(e["hidden_act"] == (gemma ? "gelu_pytorch_tanh" : "silu"));
    if (!e["local_theta"].is_null()) CHECK(c.local_rope.theta == e["local_theta"]);
    if (!e["score_factor"].is_null())
      CHECK(c.score_factor == Approx(e["score_factor"].get<double>()).epsilon(1e-12));
    CHECK(c.score_cap == e["score_cap"]);
    CHECK(c.logit_cap == e["logit_cap"]);
    const json &experts = e["experts"];
    CHECK(c.experts.count == (experts.is_null() ? json(0) : experts["count"]));
    if (c.experts.count == 0) continue;
    CHECK(c.experts.per_token == experts["per_token"]);
    CHECK(c.experts.size == experts["size"]);
    CHECK(c.experts.normalized == experts["normalized"]);
    CHECK(json(c.experts.layers) == experts["layers"]);
    CHECK(c.qkv_clip == experts["clip"]);
  }
}

TEST_CASE("what a family does not compute, or transformers ignores, is refused") {
  const auto problem = [](const char *family, const std::string &key, const json &value) {
    const json config = {{"model_type", family}, {key, value}};
    try {
      parse_decoder_config(config, "config.json");
    } catch (const error &e) {
      return e.message();
    }
    return std::string();
  };
  const std::string tail = " is not supported";
  const char *gemma = "gemma3_text";
  CHECK(problem(gemma, "attn_logit_softcapping", 50.0) ==
        "config.json: 'attn_logit_softcapping' = 50.0" + tail);
  CHECK(problem(gemma, "use_bidirectional_attention", true) ==
        "config.json: 'use_bidirectional_attention' = true" + tail);
  CHECK(problem(gemma, "rope_scaling", {{"type", "linear"}, {"factor", 8.0}}) ==
        "config.json: 'type' in rope_scaling, for which this family has 'rope_type'," + tail);
  CHECK(problem(gemma, "hidden_activation", "gelu") == "config.json: the activation 'gelu'" + tail);
  CHECK(problem(gemma, "query_pre_attn_scalar", 0) ==
        "config.json: 'query_pre_attn_scalar' must be greater than 0");
  CHECK(problem(gemma, "sliding_window_pattern", 0) ==
        "config.json: 'sliding_window_pattern' must be at least 1");
  CHECK(problem(gemma, "rope_parameters", {{"rope_theta", 5.0}}) ==
        "config.json: the RoPE parameter 'rope_theta' outside of a layer type" + tail);
  CHECK(problem("gemma2", "rope_local_base_freq", 5.0) ==
        "config.json: 'rope_local_base_freq' = 5.0" + tail);
  CHECK(problem("granite", "logits_scaling", 0) ==
        "config.json: 'logits_scaling' must be greater than 0");
  CHECK(problem("qwen3_moe", "num_experts_per_tok", 129) ==
        "config.json: 'num_experts_per_tok' is not between 1 and the number of experts, 128");
  CHECK(problem("mixtral", "num_experts_per_tok", 0) ==
        "config.json: 'num_experts_per_tok' is not between 1 and the number of experts, 8");
  CHECK(problem("qwen3_moe", "decoder_sparse_step", 0) ==
        "config.json: 'decoder_sparse_step' must be at least 1");
  CHECK(problem("qwen3_moe", "mlp_only_layers", "all") ==
        "config.json: 'mlp_only_layers' is no list of layers");
  CHECK(problem("qwen3_moe", "moe_intermediate_size", 0) ==
        "config.json: 'moe_intermediate_size' must be at least 1");
  CHECK(problem("qwen3_moe", "shared_expert_intermediate_size", 64) ==
        "config.json: 'shared_expert_intermediate_size' = 64" + tail);
  CHECK(problem("smollm3", "no_rope_layers", {1, 0}) ==
        "config.json: 'no_rope_layers' does not name every layer");
}
