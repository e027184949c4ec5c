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
  }
}
