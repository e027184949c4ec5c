// Tests recipes (what is done to a model), calibration data, and the ledger (the list of fallbacks and skips of a run).
#include "catch.hpp"

#include "calibration/calibration.hpp"
#include "core/error.hpp"
#include "core/ledger.hpp"
#include "quant/recipe.hpp"

using assay::json;
using assay::quant::calibration;
using assay::quant::ledger;
using assay::quant::recipe;

namespace {

using sequences = std::vector<assay::quant::calibration_sequence>;

std::string refusal(const json &value) {
  try {
    recipe::from_json(value);
  } catch (const assay::error &problem) {
    return problem.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a recipe comes back from its own JSON", "[recipe_test]") {
  const json given = {{"method", "rtn"},
                      {"quantizer", {{"id", "rtn"}, {"config", {{"bits", 4}}}}},
                      {"keep", {"lm_head", "mlp.down"}},
                      {"overrides", {{{"match", "attn.k"}, {"config", {{"bits", 8}}}}}},
                      {"propagation", "fp"}};
  const auto first = recipe::from_json(given);
  const auto second = recipe::from_json(first.to_json());
  CHECK(first.to_json() == second.to_json());
  CHECK(first.hash() == second.hash());
}

TEST_CASE("a recipe's hash does not depend on its name or on key order", "[recipe_test]") {
  const auto a = recipe::from_json(
      {{"method", "x"},
       {"quantizer", {{"id", "rtn"}, {"config", {{"bits", 4}, {"group_size", 64}}}}}});
  const auto b = recipe::from_json(
      {{"quantizer", {{"config", {{"group_size", 64}, {"bits", 4}}}, {"id", "rtn"}}},
       {"method", "y"}});
  const auto c = recipe::from_json({{"quantizer", {{"id", "rtn"}, {"config", {{"bits", 3}}}}}});
  CHECK(a.hash() == b.hash());
  CHECK(a.hash() != c.hash());
}

TEST_CASE("a mistyped key is named with the key that was meant", "[recipe_test]") {
  CHECK(refusal({{"quantiser", "rtn"}}) ==
        "recipe: unknown key 'quantiser'. Did you mean 'quantizer'?");
  CHECK(refusal({{"quantizer", {{"id", "rtn"}, {"confg", json::object()}}}}) ==
        "recipe.quantizer: unknown key 'confg'. Did you mean 'config'?");
  CHECK(refusal({{"propagation", "both"}}) ==
        "recipe.propagation: unknown propagation 'both'. known are fp, quantized and asymmetric");
  CHECK(refusal({{"keep", "lm_head"}}) == "recipe.keep: expected a list, found string");
}

TEST_CASE("an empty Lua table means none, whichever way it was encoded", "[recipe_test]") {
  for (const json &empty : {json::array(), json::object(), json()}) {
    const auto what =
        recipe::from_json({{"transforms", empty}, {"keep", empty}, {"quantizer", empty}});
    CHECK(what.quantizes_nothing());
    CHECK(what.keep.empty());
  }
}

TEST_CASE("later overrides win, but only for the linears that they match", "[recipe_test]") {
  const auto what = recipe::from_json(
      {{"quantizer", {{"id", "rtn"}, {"config", {{"bits", 4}, {"group_size", 64}}}}},
       {"overrides",
        {{{"match", "mlp.down"}, {"config", {{"bits", 5}}}},
         {{"match", "re:model\\.layers\\.0\\..*"}, {"config", {{"bits", 8}}}}}}});
  const auto bits = [&](const char *name, const char *role) {
    return config_for_linear(what, name, role)["bits"].get<int>();
  };
  CHECK(bits("model.layers.0.mlp.down_proj", "mlp.down") == 8);
  CHECK(bits("model.layers.1.mlp.down_proj", "mlp.down") == 5);
  CHECK(bits("model.layers.1.mlp.up_proj", "mlp.up") == 4);
}

TEST_CASE("a linear is kept by name, by role or by expression", "[recipe_test]") {
  const auto what = recipe::from_json({{"keep", {"lm_head", "attn.k", "re:.*\\.0\\.mlp.*"}}});
  CHECK(is_kept(what, "lm_head", "lm_head"));
  CHECK(is_kept(what, "model.layers.3.self_attn.k_proj", "attn.k"));
  CHECK(is_kept(what, "model.layers.0.mlp.up_proj", "mlp.up"));
  CHECK_FALSE(is_kept(what, "model.layers.10.mlp.up_proj", "mlp.up"));
}

TEST_CASE("calibration counts its tokens and has a hash of its content", "[recipe_test]") {
  const calibration a(sequences{{{1, 2, 3}, {}}, {{4, 5}, {0, 1}}});
  CHECK(a.n_tokens() == 5);
  CHECK(a.n_counted() == 4);
  CHECK(a.longest() == 3);
  CHECK(a.hash() == calibration(sequences{{{1, 2, 3}, {}}, {{4, 5}, {0, 1}}}).hash());
  CHECK(a.hash() != calibration(sequences{{{1, 2, 3}, {}}, {{4, 5}, {}}}).hash());
  CHECK(a.hash() != calibration(sequences{{{1, 2}, {}}, {{3, 4, 5}, {}}}).hash());
}

TEST_CASE("calibration that cannot be used is refused", "[recipe_test]") {
  CHECK_THROWS_WITH(calibration(sequences{}), "calibration has no sequence. give at least one");
  CHECK_THROWS_WITH(calibration(sequences{{{}, {}}}), "calibration sequence 1: no token");
  CHECK_THROWS_WITH(calibration(sequences{{{1, 2}, {1}}}),
                    "calibration sequence 1: the mask has 1 entries for 2 tokens");
}

TEST_CASE("a ledger does not depend on the order in which its entries came", "[recipe_test]") {
  ledger forward, backward;
  const assay::quant::ledger_entry first{"damping", "b", "raised", {{"damp", 0.02}}};
  const assay::quant::ledger_entry second{"skip", "a", "left out", json::object()};
  forward.add(first), forward.add(second);
  backward.add(second), backward.add(first);
  CHECK(forward.to_json({"b", "a"}) == backward.to_json({"b", "a"}));
  CHECK(forward.to_json({"b", "a"})[0]["where"] == "b");
  CHECK(forward.counts() == std::map<std::string, int>{{"damping", 1}, {"skip", 1}});
}
