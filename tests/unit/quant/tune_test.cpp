// Promises of tune and of what measures a quantized model against its float model.
#include "catch.hpp"

#include "core/error.hpp"
#include "insight/allocate.hpp"
#include "insight/sensitivity.hpp"
#include "kernels/autograd_linear.hpp"
#include "quant/export/save.hpp"
#include "quant/quantize.hpp"
#include "quant/tuning/divergence.hpp"
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

TEST_CASE("a linear's gradients by oneDNN are LibTorch's", "[tune_test]") {
  const auto generator = at::detail::createCPUGenerator(4);
  const auto random = [&](std::vector<int64_t> shape) {
    return at::randn(shape, generator, at::kFloat);
  };
  const auto x = random({2, 7, 24}), w = random({40, 24}), b = random({40}),
             dy = random({2, 7, 40});
  std::vector<at::Tensor> found;
  for (const bool ours : {true, false}) {
    at::AutoGradMode with_grad(true);
    auto input = x.clone().requires_grad_(true), weight = w.clone().requires_grad_(true),
         bias = b.clone().requires_grad_(true);
    const auto y =
        ours ? assay::model::autograd_linear(input, weight, bias) : at::linear(input, weight, bias);
    y.backward(dy);
    for (const auto &part : {y.detach(), input.grad(), weight.grad(), bias.grad()})
      found.push_back(part);
  }
  for (size_t i = 0; i < 4; ++i) CHECK(at::allclose(found[i], found[i + 4], 1e-5, 1e-5));
}

TEST_CASE("tune moves scales and norms, never codes, and comes nearer to the float model",
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

TEST_CASE("two tunes of one seed give the same bytes", "[tune_test]") {
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

TEST_CASE("tune through rounded activations is refused", "[tune_test]") {
  const subject s;
  const auto what = recipe::from_json(
      {{"quantizer", "rtn"}, {"activation", {{"bits", 8}}}, {"tune", json::object()}});
  CHECK_THROWS_WITH(assay::quant::quantize(*s.checkpoint, s.decoder, what, &s.data),
                    assay_test::contains("rounding has no gradient"));
}

TEST_CASE("a swap of nothing costs exactly nothing, and swaps come near to adding up",
          "[tune_test]") {
  const subject s;
  json what = {{"quantizer", {{"id", "rtn"}, {"config", {{"bits", 6}, {"group_size", 16}}}}}};
  const auto model = assay::quant::quantize(*s.checkpoint, s.decoder, recipe::from_json(what));
  const auto found = sensitivity(model, s.decoder, tiny_calibration(2, 32, 11));
  CHECK(found["control"].get<double>() == 0.0);
  CHECK(found["units"].size() == 8);  // q,k,v fused, gate,up fused, in two blocks
  CHECK(found["units"][0]["linears"].size() == 3);
  CHECK(found["additivity"].get<double>() == Approx(1.0).margin(0.3));
  for (const auto &unit : found["units"]) {
    CHECK(unit["kl"].get<double>() > 0);
    CHECK(unit["gradient"].get<double>() > 0);
  }
}

TEST_CASE("an allocation keeps its budget and is optimal where the budget ends at a step",
          "[tune_test]") {
  const std::vector<allocation_unit> units = {
      {"a", {{"3", 30, 9}, {"4", 40, 2}, {"8", 80, 1}}},
      {"b", {{"3", 30, 3}, {"4", 40, 2.5}, {"8", 80, 0}}},
      {"c", {{"3", 30, 1}, {"4", 40, 0.5}, {"8", 80, 0.4}}}};
  const auto brute = [&](double budget) {
    double least = 1e9;
    for (const auto &x : units[0].choices)
      for (const auto &y : units[1].choices)
        for (const auto &z : units[2].choices)
          if (x.bits + y.bits + z.bits <= budget)
            least = std::min(least, x.damage + y.damage + z.damage);
    return least;
  };
  for (const double budget : {90.0, 100.0, 125.0, 150.0, 240.0}) {
    const auto found = allocate(units, budget);
    CHECK(found.bits <= budget);
    CHECK(found.bound <= brute(budget) + 1e-12);
    CHECK(found.damage >= brute(budget) - 1e-12);
  }
  CHECK(allocate(units, 100).damage == Approx(brute(100)));
  CHECK(allocate(units, 240).damage == Approx(brute(240)));
  CHECK_THROWS_WITH(allocate(units, 80),
                    assay_test::contains("the cheapest choices take 90 bits, the budget is 80"));
}
