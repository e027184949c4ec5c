// Tests rotations of weights: the model computes the same as before, a tied head is untied and counted, and
// what no other program can load is refused with a reason. R1 turns the residual stream, R2 the values of
// each head, R4 the input of down_proj. R4 is *online*: the forward pass must run it. The matrices themselves
// are tested in transform_goldens_test.cpp.
#include "catch.hpp"

#include "core/error.hpp"
#include "quant/export/export_plan.hpp"
#include "quant/export/save.hpp"
#include "quant/schemes/input_operation.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct model_in_work : tiny_subject {
  model_in_work() { raise_channels(); }
  quantized_model run(const json &config, const json &more = json::object()) const {
    json recipe_json = more;
    recipe_json["transforms"] = json::array({{{"id", "rotation"}, {"config", config}}});
    return tiny_subject::run(recipe_json, false);
  }
};

double relative(const at::Tensor &found, const at::Tensor &expected) {
  return ((found - expected).norm() / expected.norm()).item<double>();
}

const json k_rtn8 = {{"id", "rtn"}, {"config", {{"bits", 8}, {"group_size", -1}}}};

}  // namespace

TEST_CASE("every rotation leaves the logits as they were", "[rotation_test]") {
  const model_in_work m;
  const auto exact = logits_of(m.decoder);
  for (const char *only : {"r1", "r2", "r4", "all"})
    for (const char *signs : {"random", "plain"}) {
      CAPTURE(only, signs);
      const bool all = std::string(only) == "all";
      json config = {{"r1", all}, {"r2", all}, {"r4", all}, {"signs", signs}};
      config[all ? "r1" : only] = true;
      const auto q = m.run(config);
      CHECK(relative(logits_of(q.decoder), exact) <= 1e-5);
      CHECK_FALSE(at::equal(logits_of(q.decoder), exact));
    }
}

TEST_CASE("R1 folds the norms into weights and unties a tied head", "[rotation_test]") {
  const model_in_work m;
  const auto q = m.run({{"r4", false}});
  CHECK(q.decoder.block(0).attention_norm.eq(1).all().item<bool>());
  CHECK(q.decoder.norm().eq(1).all().item<bool>());
  CHECK_FALSE(q.decoder.config().tied);
  const auto plain = quantize(*m.checkpoint, m.decoder, recipe::from_json(json::object()));
  CHECK(q.summary["parameters"].get<int64_t>() ==
        plain.summary["parameters"].get<int64_t>() + 96 * 64);
  CHECK(q.summary["bytes"].get<int64_t>() == plain.summary["bytes"].get<int64_t>() + 96 * 64 * 4);
  CHECK(q.incidents.counts().at("untied_head") == 1);
}

TEST_CASE("a rotated model is saved with its own head and comes back bit for bit",
          "[rotation_test]") {
  const model_in_work m;
  for (const bool quantized : {false, true}) {
    const auto q = m.run({{"r4", false}}, quantized ? json{{"quantizer", k_rtn8}} : json::object());
    const auto folder = m.root / (quantized ? "quantized" : "float");
    save(q, *m.checkpoint, folder);
    const auto loaded = assay::model::checkpoint::open(folder);
    CHECK_FALSE(loaded->config()["tie_word_embeddings"].get<bool>());
    CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
  }
}

TEST_CASE("exporters refuse R4 in a recipe before the run, and in a model after the run",
          "[rotation_test]") {
  const model_in_work m;
  const json transforms = json::array({{{"id", "rotation"}}});
  const auto reasons =
      cannot_hold(recipe::from_json({{"transforms", transforms}, {"quantizer", k_rtn8}}),
                  *m.checkpoint, "compressed-tensors");
  REQUIRE_FALSE(reasons.empty());
  CHECK_THAT(reasons.front(),
             assay_test::contains("no consumer of the format runs this operation"));
  const auto q = m.run(json::object(), {{"quantizer", k_rtn8}});
  CHECK_THROWS_WITH(save(q, *m.checkpoint, m.root / "refused"),
                    assay_test::contains("model.layers.0.mlp.down_proj: hadamard"));
}

TEST_CASE("the same seed gives the same rotation, another seed does not", "[rotation_test]") {
  const model_in_work m;
  const auto weight = [&](uint64_t seed) {
    return m.run(json::object(), {{"seed", seed}}).decoder.block(1).q.weight;
  };
  CHECK(at::equal(weight(1), weight(1)));
  CHECK_FALSE(at::equal(weight(1), weight(2)));
}

TEST_CASE(
    "if channels stand out, rotation brings 8-bit weights and inputs nearer to the float model",
    "[rotation_test]") {
  const model_in_work m;
  const auto exact = logits_of(m.decoder);
  const json w8a8 = {{"quantizer", k_rtn8}, {"activation", {{"bits", 8}}}};
  const auto plain = quantize(*m.checkpoint, m.decoder, recipe::from_json(w8a8));
  CHECK(relative(logits_of(m.run(json::object(), w8a8).decoder), exact) <
        relative(logits_of(plain.decoder), exact));
}

TEST_CASE("a linear with an online operation has statistics of the inputs after this operation",
          "[rotation_test]") {
  const model_in_work m;
  auto turned = m.run({{"r1", false}, {"r2", false}}).decoder;
  const auto ids = tiny_ids(1, 32, 9);
  const auto *first = ids.const_data_ptr<int64_t>();
  std::vector<calibration_sequence> one = {{{first, first + 32}, {}}};
  const calibration data(std::move(one));
  calibrate_options options;
  options.needs.hessian = true;
  const auto hessian_of = [&](assay::model::decoder live) {
    at::Tensor found;
    calibrate(live, data, options, [&](calibration_stop &stop) {
      if (stop.block == 0 && stop.group == assay::model::linear_group::down)
        found = stop.statistics.hessian;
    });
    return found;
  };
  const auto h = sylvester(128) / std::sqrt(128.0);
  CHECK(relative(hessian_of(turned), at::matmul(h.t(), at::matmul(hessian_of(m.decoder), h))) <
        1e-5);
}

TEST_CASE("online operations that are unknown or not orthogonal are refused", "[rotation_test]") {
  using assay_test::contains;
  CHECK_THROWS_WITH(make_input_operation({{"op", "swap"}}, 8),
                    contains("only 'hadamard' is known"));
  CHECK_THROWS_WITH(make_input_operation({{"op", "hadamard"}, {"size", 6}}, 8),
                    contains("pieces of 6 do not divide 8 channels"));
  CHECK_THROWS_WITH(
      make_input_operation({{"op", "hadamard"}, {"size", 2}, {"base", {"++", "++"}}}, 8),
      contains("its base is no Hadamard matrix"));
}
