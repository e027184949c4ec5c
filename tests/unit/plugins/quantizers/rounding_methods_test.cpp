// Tests the quantizers gptaq, adaround, salient and autoround: golden results in float64, and what the
// equations of their papers imply.
#include "catch.hpp"

#include <optional>

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "kernels/matmul.hpp"
#include "quant/quantize.hpp"
#include "quant_harness.hpp"

using assay::json;
using assay::quant::input_statistics;
using quant_test::run;

namespace {

const std::string k_golden = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/quant/";

at::Tensor random_weight(int64_t out, int64_t in, uint64_t seed = 7) {
  return at::randn({out, in}, at::detail::createCPUGenerator(seed), at::kFloat) * 0.05;
}

// Returns statistics of random correlated inputs. They stand for the inputs of a quantized model; those of the float
// model differ from them a little (by `difference`).
input_statistics random_statistics(int64_t in, int64_t tokens, double difference = 0.1) {
  auto generator = at::detail::createCPUGenerator(8);
  const auto mix = at::randn({in, in}, generator, at::kFloat) * 0.2 + at::eye(in);
  const auto gain = (0.8 * at::randn({in}, generator, at::kFloat)).exp();
  const auto x = at::randn({tokens, in}, generator, at::kFloat).mm(mix) * gain;
  const auto x_float = x + difference * gain * at::randn({tokens, in}, generator, at::kFloat);
  input_statistics sums;
  sums.n_tokens = tokens;
  sums.hessian = x.t().mm(x);
  sums.cross = x_float.t().mm(x);
  sums.abs_mean = x.abs().mean(0);
  sums.sq_mean = x.square().mean(0);
  return sums;
}

at::Tensor codes(const assay::quant::linear_result &result) {
  return *result.form.find("codes");
}

// The golden model of one block, with its calibration data and the expected results of autoround.
struct golden_block {
  golden_block() {
    quant_test::use_plugins();
    std::vector<assay::quant::calibration_sequence> sequences;
    for (const auto &ids : listed["ids"])
      sequences.push_back({ids.get<std::vector<int64_t>>(), {}});
    data.emplace(std::move(sequences));
  }
  // Quantizes the model by autoround and returns what the plugin claims about the first linear,
  // which includes the losses.
  assay::json claims(const assay::json &config) const {
    const auto what =
        assay::quant::recipe::from_json({{"quantizer", {{"id", "autoround"}, {"config", config}}}});
    return assay::quant::quantize(*checkpoint, decoder, what, &*data)
        .summary["linears"][0]["claims"];
  }
  assay::json listed = assay::read_json_file(k_golden + "rounding.json")["autoround"];
  std::shared_ptr<const assay::model::checkpoint> checkpoint =
      assay::model::checkpoint::open(k_golden + "block");
  assay::model::decoder decoder = assay::model::decoder::load(*checkpoint);
  std::optional<assay::quant::calibration> data;
};

}  // namespace

TEST_CASE(
    "learned and mixed rounding agree with goldens that a script computes in float64 straight from "
    "the equations",
    "[rounding_methods_test]") {
  const auto listed = assay::read_json_file(k_golden + "rounding.json");
  const auto tensors = assay::model::open_safetensors_file(k_golden + "rounding.safetensors");
  input_statistics sums;
  sums.n_tokens = listed["tokens"];
  sums.hessian = tensors->tensor("hessian");
  sums.cross = tensors->tensor("cross");
  sums.abs_mean = tensors->tensor("abs_mean");
  sums.sq_mean = sums.hessian.diagonal().contiguous() / static_cast<double>(sums.n_tokens);
  const auto w = tensors->tensor("weight");
  for (size_t i = 0; i < listed["cases"].size(); ++i) {
    const auto &item = listed["cases"][i];
    CAPTURE(i, item["method"].get<std::string>(), item["config"].dump());
    json config = item["config"];
    config["scale_from"] = 0.6;  // the goldens search this range
    config["scale_to"] = 1.15;
    const auto result = run(item["method"], config, w, sums);
    const auto expected = tensors->tensor("expected." + std::to_string(i));
    const double same = (result.weight - expected).abs().lt(1e-6).sum().item<double>();
    const bool equal = same == static_cast<double>(w.numel());
    CHECK((equal || result.form.output_error == Approx(item["loss"].get<double>()).epsilon(1e-4)));
    CHECK(same / static_cast<double>(w.numel()) > 0.98);
  }
}

TEST_CASE("on a block, autoround has the losses of signed gradient descent in float64",
          "[rounding_methods_test]") {
  const golden_block golden;
  for (const auto &item : golden.listed["cases"]) {
    CAPTURE(item["config"].dump());
    const auto claims = golden.claims(item["config"]);
    const auto losses = item["losses"].get<std::vector<double>>();
    const double least = *std::min_element(losses.begin(), losses.end());
    CHECK(claims["first_loss"].get<double>() == Approx(losses.front()).epsilon(1e-4));
    CHECK(claims["best_loss"].get<double>() == Approx(least).epsilon(1e-4));
  }
}

TEST_CASE("autoround with bfloat16 products in gradients reaches nearly the same loss",
          "[rounding_methods_test]") {
  if (!assay::model::has_narrow_linear()) {
    WARN("skipped: this processor has no products in bfloat16");
    return;
  }
  const golden_block golden;
  const auto best_loss = [&](const char *compute) {
    const auto claims =
        golden.claims({{"bits", 4}, {"group_size", 16}, {"iterations", 30}, {"compute", compute}});
    CHECK(claims["best_loss"].get<double>() < claims["first_loss"].get<double>());
    return claims["best_loss"].get<double>();
  };
  CHECK(best_loss("bfloat16") == Approx(best_loss("float32")).epsilon(0.1));
}

TEST_CASE("gptaq is gptq, bit for bit, if the inputs of both models are equal or alpha is 0",
          "[rounding_methods_test]") {
  const auto w = random_weight(40, 128);
  auto sums = random_statistics(128, 500);
  sums.cross = sums.hessian;
  const auto plain = run("gptq", {{"group_size", 32}}, w, sums);
  CHECK(at::equal(run("gptaq", {{"group_size", 32}}, w, sums).weight, plain.weight));
  sums = random_statistics(128, 500);
  CHECK(
      at::equal(run("gptaq", {{"group_size", 32}, {"alpha", 0.0}}, w, sums).weight, plain.weight));
}

TEST_CASE("gptaq comes nearer to the float model's outputs than gptq", "[rounding_methods_test]") {
  const auto w = random_weight(48, 128);
  const auto sums = random_statistics(128, 600, 0.5);
  // With D = q - w, H = sums.hessian and C = sums.cross, this is tr(D H D^T) - 2 tr(w (C - H) D^T): the squared
  // distance of the outputs, without the part that does not depend on q.
  const auto distance = [&](const at::Tensor &q) {
    const auto d = q - w;
    return ((d.mm(sums.hessian) - 2 * w.mm(sums.cross - sums.hessian)) * d).sum().item<double>();
  };
  const json config = {{"bits", 4}, {"group_size", 32}};
  CHECK(distance(run("gptaq", config, w, sums).weight) <
        distance(run("gptq", config, w, sums).weight));
}

TEST_CASE("gptaq on static grids does not depend on its block size", "[rounding_methods_test]") {
  const auto w = random_weight(40, 160);
  const auto sums = random_statistics(160, 600);
  const auto whole = run("gptaq", {{"block_size", 160}}, w, sums);
  const auto pieces = run("gptaq", {{"block_size", 48}}, w, sums);
  const double same = whole.weight.eq(pieces.weight).sum().item<double>();
  CHECK(same / static_cast<double>(w.numel()) > 0.995);
}

TEST_CASE(
    "adaround starts at the float weights and ends with a smaller output error than round to "
    "nearest",
    "[rounding_methods_test]") {
  const auto w = random_weight(32, 128);
  const auto sums = random_statistics(128, 500);
  const json grid = {{"bits", 3}, {"group_size", 32}};
  json config = grid;
  config["iterations"] = 300;
  const auto learned = run("adaround", config, w, sums);
  const auto nearest = run("opt_rtn", grid, w, sums);
  CHECK(at::equal(*learned.form.find("scales"), *nearest.form.find("scales")));
  CHECK(learned.form.output_error < 0.8 * nearest.form.output_error);
  CHECK(learned.form.note["undecided"].get<double>() < 0.1);
  // adaround rounds up or down, so a code is at most one step from the nearest one
  CHECK((codes(learned).to(at::kInt) - codes(nearest).to(at::kInt)).abs().max().item<int>() <= 1);
  config["descend"] = false;
  config["iterations"] = 1;  // so little is learned that nearly all weights round to nearest
  config["regulariser"] = 0.0;
  config["learning_rate"] = 1e-5;
  const auto begun = run("adaround", config, w, sums);
  const double same = codes(begun).eq(codes(nearest)).sum().item<double>();
  CHECK(same / static_cast<double>(w.numel()) > 0.99);
}

TEST_CASE("adaround from gptq is never worse than gptq", "[rounding_methods_test]") {
  const auto w = random_weight(32, 128);
  const auto sums = random_statistics(128, 500);
  const json grid = {{"bits", 3}, {"group_size", 32}};
  json config = grid;
  config["start"] = "gptq";
  config["iterations"] = 200;
  config["damping"] = 0.0;
  assay::quant::ledger events;
  const auto learned = run("adaround", config, w, sums, &events);
  json same_order = grid;
  same_order["damping"] = 0.0;
  CHECK(learned.form.output_error <=
        run("gptq", same_order, w, sums).form.output_error * (1 + 1e-5));
}

TEST_CASE("salient columns keep more bits, and these bits are counted", "[rounding_methods_test]") {
  auto w = random_weight(32, 128);
  const auto sums = random_statistics(128, 500);
  w.select(1, 40).mul_(40.0);  // its groups get large scales
  const json base = {{"bits", 4}, {"group_size", 32}};
  json config = base;
  config["ratio"] = 0.03;
  const auto mixed = run("salient", config, w, sums);
  const auto plain = run("gptq", base, w, sums);
  const auto kept = mixed.form.find("keep_idx");
  REQUIRE(kept != nullptr);
  CHECK(kept->numel() == 4);
  CHECK(at::equal(std::get<0>(kept->sort()), *kept));
  CHECK(mixed.form.output_error < 0.5 * plain.form.output_error);
  // four columns of 32 weights in 16 bits, and 8 bits for the index of each
  CHECK(mixed.form.packed_bits == plain.form.packed_bits + 4 * (32 * 16 + 8));
  config["high_bits"] = 8;
  const auto eight = run("salient", config, w, sums);
  // with 8 bits, each of the 32 rows also has a scale of 16 bits for its four kept weights
  CHECK(eight.form.packed_bits == plain.form.packed_bits + 4 * (32 * 8 + 8) + 32 * 16);
  CHECK(eight.form.output_error < 0.5 * plain.form.output_error);
  CHECK(eight.form.note["format"] == "salient/1");
}

TEST_CASE(
    "with `dynamic`, the number of columns that stand out decides how many are kept, within limits",
    "[rounding_methods_test]") {
  const auto w = random_weight(16, 400);
  auto sums = random_statistics(400, 1000);
  const auto kept = [&](const at::Tensor &mean) {
    sums.abs_mean = mean;
    const auto result = run("salient", {{"dynamic", true}, {"rank", "activation"}}, w, sums);
    return result.form.find("keep_idx")->numel();
  };
  CHECK(kept(at::ones({400})) == 2);  // no column stands out: the least share, 0.5 %
  auto some = at::ones({400});
  some.narrow(0, 17, 10).fill_(50.0);
  CHECK(kept(some) == 10);
  some.narrow(0, 17, 60).fill_(50.0);
  CHECK(kept(some) == 20);  // the largest share: 5 %
}

// A transform before the quantizer may set limits for the weights of each group; the grid
// then covers only these limits.
TEST_CASE("clip limits of an earlier transform bound the grid", "[rounding_methods_test]") {
  auto w = random_weight(16, 128);
  const auto sums = random_statistics(128, 500);
  w.select(1, 3).fill_(2.0);
  quant_test::clip limits{at::full({16, 2}, -0.1f), at::full({16, 2}, 0.1f), 64};
  for (const char *id : {"rtn", "opt_rtn", "gptq", "gptaq", "adaround"}) {
    CAPTURE(id);
    json config = {{"bits", 4}, {"group_size", 64}};
    if (std::string(id) == "adaround") config["iterations"] = 20;
    const auto free = run(id, config, w, sums), bound = run(id, config, w, sums, nullptr, limits);
    CHECK(bound.form.find("scales")->to(at::kFloat).abs().max().item<float>() < 0.03f);
    CHECK(free.form.find("scales")->to(at::kFloat).abs().max().item<float>() > 0.1f);
    CHECK(bound.weight.abs().max().item<float>() < 0.2f);
  }
}
