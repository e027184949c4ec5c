// Tests transforms in general: the model computes the same as before, a chosen scale never has a larger loss than no
// scaling, and saved models load.
#include "catch.hpp"

#include "core/error.hpp"
#include "quant/export/save.hpp"
#include "quant/schemes/activation.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct model_in_work : tiny_subject {
  model_in_work() { raise_channels(); }
};

const json k_rtn4 = {{"id", "rtn"}, {"config", {{"bits", 4}, {"group_size", 32}}}};

}  // namespace

TEST_CASE("a transform without a quantizer leaves the logits as they were", "[transforms_test]") {
  const model_in_work m;
  const auto exact = logits_of(m.decoder);
  const std::vector<json> transforms = {{{"id", "awq"}},
                                        {{"id", "smoothquant"}, {"config", {{"alpha", 0.5}}}},
                                        {{"id", "smoothquant"}, {"config", {{"groups", "all"}}}}};
  for (const auto &transform : transforms) {
    CAPTURE(transform.dump());
    const auto q = m.run({{"transforms", json::array({transform})}});
    CHECK((logits_of(q.decoder) - exact).abs().max().item<double>() <=
          1e-4 * exact.abs().max().item<double>());
    CHECK_FALSE(at::equal(q.decoder.block(0).attention_norm, m.decoder.block(0).attention_norm));
    CHECK(q.metadata["transforms"].size() == 2);
  }
}

TEST_CASE("awq's choice never has a larger loss than no scaling", "[transforms_test]") {
  const model_in_work m;
  const auto q = m.run({{"transforms", {"awq"}}, {"quantizer", k_rtn4}});
  for (const auto &block : q.metadata["transforms"]) {
    CHECK(block["note"]["groups"].size() == 4);
    for (const auto &group : block["note"]["groups"])
      CHECK(group["loss"].get<double>() <= group["identity_loss"].get<double>());
  }
}

TEST_CASE("awq before rounding brings the logits nearer than rounding alone", "[transforms_test]") {
  const model_in_work m;
  CHECK(m.distance({{"transforms", {"awq"}}, {"quantizer", k_rtn4}}) <
        m.distance({{"quantizer", k_rtn4}}));
}

TEST_CASE("smoothquant before W8A8 brings the logits nearer than W8A8 alone", "[transforms_test]") {
  const model_in_work m;
  json w8a8 = {{"quantizer", {{"id", "rtn"}, {"config", {{"bits", 8}, {"group_size", -1}}}}},
               {"activation", {{"bits", 8}}}};
  const double plain = m.distance(w8a8);
  w8a8["transforms"] = json::array({{{"id", "smoothquant"}, {"config", {{"alpha", 0.5}}}}});
  CHECK(m.distance(w8a8) < plain);
}

TEST_CASE("a transformed and quantized model comes back from its folder bit for bit",
          "[transforms_test]") {
  model_in_work m;
  const auto q = m.run({{"transforms", {"awq"}}, {"quantizer", k_rtn4}});
  save(q, *m.checkpoint, m.root / "saved");
  const auto loaded = assay::model::checkpoint::open(m.root / "saved");
  CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
}

TEST_CASE("a transform that needs statistics asks for calibration", "[transforms_test]") {
  const model_in_work m;
  CHECK_THROWS_WITH(
      quantize(*m.checkpoint, m.decoder, recipe::from_json({{"transforms", {"awq"}}})),
      assay_test::contains("recipe.transforms: 'awq' needs calibration data"));
}

TEST_CASE("activations are rounded for each token on a symmetric grid", "[transforms_test]") {
  const auto x = at::tensor({1.0f, -2.0f, 0.5f, 100.0f, 1.0f, 0.0f}).reshape({2, 3});
  const auto rounded = round_per_token(x, 8);
  CHECK(rounded[0][1].item<float>() == Approx(-2.0f));
  CHECK(rounded[0][0].item<float>() == Approx(2.0 / 127 * 64));  // 63.5 rounds to the even 64
  CHECK(rounded[1][0].item<float>() == Approx(100.0));
  CHECK(rounded[1][1].item<float>() == Approx(100.0 / 127));
  CHECK(rounded[1][2].item<float>() == 0.0f);
  CHECK(round_per_token(at::zeros({1, 4}), 8).eq(0).all().item<bool>());
}
