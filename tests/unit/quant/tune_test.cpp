// Tests `tune`, which trains scales and norms after quantization: codes do not change, and the model comes
// nearer to its float model.
#include "catch.hpp"

#include "core/error.hpp"
#include "quant/export/save.hpp"
#include "quant/quantize.hpp"
#include "quant/tuning/divergence.hpp"
#include "quant/tuning/tune_parameters.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct subject {
  temporary_folder root;
  std::shared_ptr<assay::model::checkpoint> checkpoint =
      assay::model::checkpoint::open(write_tiny_model(root));
  assay::model::decoder decoder = assay::model::decoder::load(*checkpoint);
  calibration data = tiny_calibration(8, 40, 11);

  subject() { use_plugins(); }
  quantized_model quantize(json tune, const std::string &id = "rtn", int bits = 3) const {
    json what = {{"quantizer", {{"id", id}, {"config", {{"bits", bits}, {"group_size", 16}}}}}};
    what["tune"] = std::move(tune);
    return assay::quant::quantize(*checkpoint, decoder, recipe::from_json(what), &data);
  }
  double kl(const quantized_model &model) const {
    return measure_divergence(model.decoder, decoder, data, {})["kl"].get<double>();
  }
};

json quick(int steps = 12) {
  return {{"steps", steps}, {"batch", 4}, {"rate", 0.005}};
}

}  // namespace

TEST_CASE(
    "tune changes scales and norms, never codes, and brings the model nearer to the float model",
    "[tune_test]") {
  const subject s;
  for (const std::string id : {"rtn", "hqq"}) {
    const auto plain = s.quantize(json(), id), tuned = s.quantize(quick(), id);
    CHECK(s.kl(tuned) < s.kl(plain));
    for (const auto &name : plain.order) {
      const auto &before = plain.forms.at(name), &after = tuned.forms.at(name);
      CHECK(before.find("codes")->equal(*after.find("codes")));
      CHECK_FALSE(before.find("scales")->equal(*after.find("scales")));
      CHECK(before.packed_bits == after.packed_bits);
    }
    CHECK(tuned.edited.count("model.norm.weight") == 1);
    CHECK(tuned.incidents.empty());
  }
}

TEST_CASE("a tuned weight is what its quantizer dequantizes, in memory and on disk",
          "[tune_test]") {
  const subject s;
  const auto tuned = s.quantize(quick(3), "rtn", 4);
  for (const auto *linear : tuned.decoder.linears())
    CHECK(linear->weight.equal(dequantize(tuned.forms.at(linear->name))));
  save(tuned, *s.checkpoint, s.root / "saved");
  const auto again = assay::model::decoder::load(*assay::model::checkpoint::open(s.root / "saved"));
  CHECK(logits_of(again).equal(logits_of(tuned.decoder)));
}

TEST_CASE("scales of blocks of several groups can be tuned, and minima stay", "[tune_test]") {
  const auto w = at::randn({8, 512}) * 0.05;
  for (const std::string type : {"Q4_K", "Q6_K", "IQ4_XS", "Q4_1"}) {
    INFO(type);
    const json config = {{"type", type}, {"search", "reference"}, {"feedback", false}};
    auto made = run("kquant", config, w);
    std::string why;
    auto tuned = tuned_scales::of(made.form, why);
    REQUIRE(tuned);
    CHECK(tuned->count() == 8 * (type == "Q4_1" ? 16 : 2));
    CHECK(at::allclose(tuned->weight(), made.weight, 1e-5, 1e-7));
    const auto codes = *made.form.find("codes");
    tuned->step(tuned->weight() - w, 0.01);
    tuned->store();
    CHECK(codes.equal(*made.form.find("codes")));
    CHECK(at::allclose(tuned->weight(), dequantize(made.form), 2e-3, 1e-4));
  }
}

TEST_CASE("two tunes with the same seed give the same bytes", "[tune_test]") {
  const subject s;
  CHECK(logits_of(s.quantize(quick(3)).decoder).equal(logits_of(s.quantize(quick(3)).decoder)));
}

TEST_CASE("forms without plain scales are not tuned, and the ledger says so", "[tune_test]") {
  const subject s;
  const auto what = recipe::from_json({{"quantizer", "mxfp4"}, {"tune", quick(1)}});
  const auto model = assay::quant::quantize(*s.checkpoint, s.decoder, what, &s.data);
  CHECK(model.incidents.counts().at("skip") == 14);
  CHECK(model.incidents.entries()[0].text == "not tuned: it has no scales");
}

TEST_CASE("tune without calibration data is refused", "[tune_test]") {
  const subject s;
  const auto what = recipe::from_json({{"quantizer", "rtn"}, {"tune", json::object()}});
  CHECK_THROWS_WITH(assay::quant::quantize(*s.checkpoint, s.decoder, what),
                    assay_test::contains("tune needs calibration data"));
}

TEST_CASE("tune of a model with rounded activations is refused", "[tune_test]") {
  const subject s;
  const auto what = recipe::from_json(
      {{"quantizer", "rtn"}, {"activation", {{"bits", 8}}}, {"tune", json::object()}});
  CHECK_THROWS_WITH(assay::quant::quantize(*s.checkpoint, s.decoder, what, &s.data),
                    assay_test::contains("rounding has no gradient"));
}
