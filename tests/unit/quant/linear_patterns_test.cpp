// Tests patterns that name linears in recipes: a pattern that fits no linear is refused, with a
// suggestion of what was meant.
#include "catch.hpp"

#include "quant/linear_patterns.hpp"
#include "tiny_subject.hpp"

using assay::json;
using assay::quant::linear_names;
using assay::quant::nearest_pattern;
using assay::quant::recipe;

namespace {

assay::model::decoder_config tiny(bool tied = true) {
  return assay::model::parse_decoder_config(quant_test::tiny_config(tied), "tiny");
}

// Checks the patterns of this recipe on a tiny model. Returns the error's text, or "accepted".
std::string said(const json &value, bool tied = true) {
  return quant_test::complaint(
      [&] { assay::quant::require_patterns(recipe::from_json(value), tiny(tied)); });
}

}  // namespace

TEST_CASE("the linears of a model are named block by block, then the embedding and the head",
          "[linear_patterns_test]") {
  const auto all = linear_names(tiny());
  REQUIRE(all.size() == 2 * 7 + 2);
  CHECK(all[6].name == "model.layers.0.mlp.down_proj");
  CHECK(all[6].role == "mlp.down");
  CHECK(all[14].name == "model.embed_tokens");
  CHECK(all[15].name == "lm_head");
}

// nearest_pattern suggests what a pattern that fits no linear may have meant.
TEST_CASE(
    "nearest_pattern suggests roles for a part of a name, an expression for the beginning of a "
    "name, and the nearest name for a typing mistake",
    "[linear_patterns_test]") {
  const auto all = linear_names(tiny());
  for (const auto &[given, meant] : std::vector<std::pair<std::string, std::string>>{
           {"down_proj", "'mlp.down'"},
           {"mlp.down_proj", "'mlp.down'"},
           {"0.mlp.down_proj", "'mlp.down'"},
           {"down", "'mlp.down'"},
           {"self_attn", "'attn.q', 'attn.k', 'attn.v', 'attn.o'"},
           {"mlp.dwon", "'mlp.down'"},
           {"donw_proj", "'mlp.down'"},
           {"lm-head", "'lm_head'"},
           {"head", "'lm_head'"},
           {"embed_tokens", "'embed'"},
           {"model.layers.1", "'re:model\\.layers\\.1\\..*'"},
           {"model.layers.3.mlp.down_proj", "'model.layers.0.mlp.down_proj'"},
           {"experts", ""},
           {"", ""}})
    CHECK(given + " -> " + nearest_pattern(given, all) == given + " -> " + meant);
}

TEST_CASE(
    "a pattern of keep or overrides that cannot be used is refused, and the error says which one",
    "[linear_patterns_test]") {
  CHECK(said({{"keep", {"lm_head", "down_proj"}}}) ==
        "recipe.keep[2]: 'down_proj' names no linear of this model. Did you mean 'mlp.down'?");
  CHECK(said({{"overrides", {{{"match", "attn.k"}}, {{"match", "attn.qkv"}}}}}) ==
        "recipe.overrides[2].match: 'attn.qkv' names no linear of this model. Did you mean "
        "'attn.q'?");
  CHECK(
      said({{"keep", {"re:.*experts.*"}}}) ==
      "recipe.keep[1]: 're:.*experts.*' names no linear of this model. Roles: 'attn.q', 'attn.k', "
      "'attn.v', 'attn.o', 'mlp.gate', 'mlp.up', 'mlp.down', 'embed', 'lm_head'; an expression is "
      "compared with whole names such as 'model.layers.0.self_attn.q_proj'");
  CHECK(said({{"keep", {"embed"}}, {"embeddings", true}}) ==
        "recipe.keep[1]: 'embed' is both kept in float and quantized. Take it out of 'keep', or "
        "set embeddings = false");
}

TEST_CASE("patterns that name a linear are accepted, the head of a tied model included",
          "[linear_patterns_test]") {
  for (const bool tied : {true, false}) {
    CHECK(said(json::object(), tied) == "accepted");  // the default keep
    CHECK(said({{"keep",
                 {"lm_head", "mlp.down", "model.layers.1.self_attn.q_proj", "embed",
                  "re:.*\\.0\\..*"}},
                {"overrides", {{{"match", "lm_head"}}, {{"match", "re:.*_proj"}}}}},
               tied) == "accepted");
  }
}

TEST_CASE("quantize refuses a pattern that names no linear before it does anything",
          "[linear_patterns_test]") {
  const quant_test::tiny_subject s;
  CHECK(quant_test::complaint([&] {
          s.run({{"quantizer", "rtn"}, {"keep", {"lm_head", "mlp.dwon"}}}, false);
        }) == "recipe.keep[2]: 'mlp.dwon' names no linear of this model. Did you mean 'mlp.down'?");
}
