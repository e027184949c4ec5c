// Tests the quantizers that use statistics of inputs (gptq and others): golden results in float64, and
// properties from the papers.
#include "catch.hpp"

#include <ATen/Context.h>

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "quant_harness.hpp"

using assay::json;
using quant_test::run;

namespace {

const std::string k_golden = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/quant/";

at::Tensor random_weight(int64_t out, int64_t in, uint64_t seed = 7) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::randn({out, in}, generator, at::kFloat) * 0.05;
}

at::Tensor random_hessian(int64_t in, int64_t tokens, uint64_t seed = 8) {
  auto generator = at::detail::createCPUGenerator(seed);
  const auto x =
      at::randn({tokens, in}, generator, at::kFloat) * at::randn({in}, generator, at::kFloat).exp();
  return x.t().mm(x);
}

const json k_gptq = {{"bits", 4}, {"group_size", 64}};

}  // namespace

TEST_CASE(
    "quantizers agree with goldens that a script computes in float64 straight from the equations",
    "[hessian_methods_test]") {
  const auto listed = assay::read_json_file(k_golden + "cases.json");
  const auto tensors = assay::model::open_safetensors_file(k_golden + "quant.safetensors");
  const auto w = tensors->tensor("weight"), h = tensors->tensor("hessian");
  for (size_t i = 0; i < listed["cases"].size(); ++i) {
    const auto &item = listed["cases"][i];
    CAPTURE(i, item["method"].get<std::string>(), item["config"].dump());
    json config = item["config"];
    config["scale_from"] = 0.6;  // the goldens search this range
    config["scale_to"] = 1.15;
    const auto result = run(item["method"], config, w, h, listed["tokens"].get<int64_t>());
    const double loss = item["loss"], error = item["error"];
    // Ties may round the other way in fp32, but the loss must agree within 1e-4 of its value.
    CHECK(result.form.output_error == Approx(loss).epsilon(1e-4));
    CHECK(result.form.relative_error * result.form.relative_error == Approx(error).epsilon(1e-3));
    const auto expected = tensors->tensor("expected." + std::to_string(i));
    const double same = (result.weight - expected).abs().lt(1e-6).sum().item<double>();
    CHECK(same / static_cast<double>(w.numel()) > 0.98);
  }
}

TEST_CASE("with the identity matrix as Hessian, gptq is round to nearest, bit for bit",
          "[hessian_methods_test]") {
  const auto w = random_weight(48, 160);
  for (const char *grid : {"minmax", "weighted"}) {
    const json config = {{"bits", 4}, {"group_size", 64}, {"grid", grid}, {"scale_from", 0.6}};
    const auto rounded = run("opt_rtn", config, w, at::eye(160));
    const auto fed_back = run("gptq", config, w, at::eye(160));
    CHECK(at::equal(rounded.weight, fed_back.weight));
    CHECK(at::equal(*rounded.form.find("codes"), *fed_back.form.find("codes")));
  }
}

TEST_CASE("plain grids of opt_rtn are those of rtn, bit for bit", "[hessian_methods_test]") {
  const auto w = random_weight(32, 160);
  for (const bool symmetric : {true, false})
    for (const int group : {-1, 64})
      for (const int bits : {2, 3, 4, 8}) {
        CAPTURE(symmetric, group, bits);
        const json config = {{"bits", bits}, {"group_size", group}, {"symmetric", symmetric}};
        json plain = config;
        plain["grid"] = "minmax";
        CHECK(at::equal(run("rtn", config, w).weight, run("opt_rtn", plain, w).weight));
      }
}

// Grids are static (option static_groups, the default) if they are fitted before the first column is rounded.
TEST_CASE("on static grids gptq does not depend on its block size", "[hessian_methods_test]") {
  const auto w = random_weight(40, 192);
  const auto h = random_hessian(192, 600);
  json config = k_gptq;
  const auto reference = run("gptq", config, w, h, 600);
  for (const int block : {32, 100, 192, 4096}) {
    config["block_size"] = block;
    const auto other = run("gptq", config, w, h, 600);
    const double same = other.weight.eq(reference.weight).sum().item<double>();
    CHECK(same / static_cast<double>(w.numel()) > 0.995);  // the order of sums decides ties
    CHECK(other.form.output_error == Approx(reference.form.output_error).epsilon(2e-3));
  }
}

TEST_CASE("the order in which columns are rounded does not change static grids",
          "[hessian_methods_test]") {
  const auto w = random_weight(40, 192);
  const auto h = random_hessian(192, 600);
  json natural = k_gptq, sorted = k_gptq;
  natural["act_order"] = false;
  CHECK(at::equal(*run("gptq", natural, w, h, 600).form.find("scales"),
                  *run("gptq", sorted, w, h, 600).form.find("scales")));
}

TEST_CASE("gptq's output error is below that of round to nearest", "[hessian_methods_test]") {
  const auto w = random_weight(64, 256);
  const auto h = random_hessian(256, 700);
  CHECK(run("gptq", k_gptq, w, h, 700).form.output_error <
        run("opt_rtn", k_gptq, w, h, 700).form.output_error);
}

TEST_CASE("searched grids are never worse than plain ones in what they minimise",
          "[hessian_methods_test]") {
  const auto w = random_weight(64, 256);
  const auto h = random_hessian(256, 700);
  const auto weights = h.diagonal();
  const auto loss = [&](const char *grid, double from, double to) {
    const json config = {
        {"bits", 3}, {"group_size", 64}, {"grid", grid}, {"scale_from", from}, {"scale_to", to}};
    const auto q = run("opt_rtn", config, w, h, 700).weight;
    return ((w - q).square() * weights).sum().item<double>();
  };
  const double minmax = loss("minmax", 0.6, 1.15), wide = loss("weighted", 0.6, 1.15),
               single = loss("weighted", 1, 1);
  CHECK(minmax == loss("minmax", 1, 1));  // minmax searches nothing
  CHECK(wide < 0.95 * minmax);
  CHECK(single <= minmax);
  CHECK(wide < single);  // the wide range has its candidate too
}

TEST_CASE("by default opt_rtn searches scales from 0.9, below 4 bits from 0.6, and gptq from 0.6",
          "[hessian_methods_test]") {
  const auto w = random_weight(16, 128);
  const auto h = random_hessian(128, 300);
  for (const int bits : {2, 3, 4, 5}) {
    CAPTURE(bits);
    // scale_from = 0 asks for the default.
    const auto weight = [&](double from) {
      return run("opt_rtn", {{"bits", bits}, {"scale_from", from}}, w, h, 300).weight;
    };
    CHECK(at::equal(weight(0), weight(bits < 4 ? 0.6 : 0.9)));
    CHECK(!at::equal(weight(0), weight(bits < 4 ? 0.9 : 0.6)));
    const auto with_feedback = [&](double from) {
      return run("gptq", {{"bits", bits}, {"scale_from", from}}, w, h, 300).weight;
    };
    CHECK(at::equal(with_feedback(0), with_feedback(0.6)));
    CHECK(!at::equal(with_feedback(0), with_feedback(0.9)));
  }
}

TEST_CASE("a range of searched scales that leaves out 1, the unchanged scale, is refused",
          "[hessian_methods_test]") {
  const auto w = random_weight(4, 64);
  const auto h = random_hessian(64, 200);
  CHECK_THROWS_WITH(run("opt_rtn", {{"scale_from", 1.1}}, w, h, 200),
                    assay_test::contains("scale_from"));
  CHECK_THROWS_WITH(run("opt_rtn", {{"scale_to", 0.9}}, w, h, 200),
                    assay_test::contains("scale_to"));
}

// A column is dead if its input is always 0, so that its row and column of the Hessian are 0.
TEST_CASE("dead columns are zeroed before grids are fitted, and counted",
          "[hessian_methods_test]") {
  auto w = random_weight(16, 128);
  auto h = random_hessian(128, 400);
  w.select(1, 5).fill_(9.0);  // an extreme value that would make its group's scale large
  h.select(0, 5).zero_();
  h.select(1, 5).zero_();
  assay::quant::ledger events;
  const auto result = run("gptq", k_gptq, w, h, 400, &events);
  CHECK(result.weight.select(1, 5).abs().max().item<float>() == 0.0f);
  CHECK(result.form.find("scales")->to(at::kFloat).abs().max().item<float>() < 0.1f);
  CHECK(events.counts() == std::map<std::string, int>{{"dead_columns", 1}});
  CHECK(events.entries()[0].data["count"] == 1);
}

TEST_CASE("for a singular Hessian gptq raises the damping, and the ledger says so",
          "[hessian_methods_test]") {
  const auto w = random_weight(16, 128);
  const auto h = random_hessian(128, 4);  // rank 4
  json config = k_gptq;
  config["damping"] = 0.0;
  assay::quant::ledger events;
  const auto result = run("gptq", config, w, h, 4, &events);
  CHECK(events.counts().count("damping_raised") == 1);
  CHECK(result.form.note["damping"].get<double>() > 0);
  CHECK(std::isfinite(result.form.relative_error));
}

TEST_CASE("over many blocks of columns the squared errors add up to the error of the output",
          "[hessian_methods_test]") {
  // D = w - result.weight is the error of the weights, H the damped Hessian. note["loss"] is half the sum of
  // the squares that the plugin adds up column by column. Twice the loss equals tr(D H D^T) only if the
  // factor of inverse(H) is right.
  const auto w = random_weight(40, 500);
  const auto h = random_hessian(500, 900);
  const auto result = run("gptq", k_gptq, w, h, 900);
  const auto wide = h.to(at::kDouble);
  const auto damped = wide + 0.05 * wide.diagonal().mean() * at::eye(500, at::kDouble);
  const auto d = (w - result.weight).to(at::kDouble);
  const double expected = (d.mm(damped) * d).sum().item<double>();
  CHECK(2 * result.form.note["loss"].get<double>() == Approx(expected).epsilon(1e-4));
}

TEST_CASE(
    "linears with the same input share the factor of its Hessian, and get what each would get "
    "alone",
    "[hessian_methods_test]") {
  const auto w = random_weight(24, 192, 1), other = random_weight(40, 192, 2);
  const auto singular = random_hessian(192, 4);
  json config = k_gptq;
  config["damping"] = 0.0;
  assay::quant::ledger alone, first, second;
  const auto expected = run("gptq", config, other, singular, 4, &alone);
  run("gptq", k_gptq, w, random_hessian(192, 600), 600);  // another factor is remembered now
  run("gptq", config, w, singular, 4, &first);
  const auto shared = run("gptq", config, other, singular, 4, &second);
  CHECK(at::equal(*shared.form.find("codes"), *expected.form.find("codes")));
  CHECK(shared.form.note == expected.form.note);
  CHECK(second.entries().size() == alone.entries().size());  // each has its own ledger
  CHECK(second.entries().size() == first.entries().size());
}

// act_order rounds the columns with the largest inputs first; moving grids are fitted when the loop reaches a group.
TEST_CASE("act_order with moving grids is refused with the reason", "[hessian_methods_test]") {
  const auto w = random_weight(16, 128);
  json config = k_gptq;
  config["static_groups"] = false;
  CHECK_THROWS_WITH(run("gptq", config, w, random_hessian(128, 400), 400),
                    assay_test::contains("set static_groups or drop act_order"));
}

TEST_CASE(
    "every quantizer with float16 scales sets a larger scale to the largest float16 and counts it",
    "[hessian_methods_test]") {
  auto w = random_weight(4, 64);
  w.select(0, 2).mul_(1e7);
  const std::pair<const char *, json> quantizers[] = {
      {"rtn", json::object()},           {"hqq", json::object()},     {"codebook", json::object()},
      {"opt_rtn", {{"grid", "minmax"}}}, {"opt_rtn", json::object()}, {"gptq", json::object()},
      {"adaround", {{"iterations", 2}}}};
  for (const auto &[id, config] : quantizers) {
    CAPTURE(id, config.dump());
    assay::quant::ledger events;
    const auto result = run(id, config, w, random_hessian(64, 200), 200, &events);
    CHECK(events.counts()["clamped_scale"] == 1);
    const auto scales = result.form.find("scales")->to(at::kFloat).abs();
    CHECK(scales.max().item<float>() == 65504.0f);
    CHECK(scales.select(0, 1).max().item<float>() < 10.0f);
  }
}

TEST_CASE("scales too small for their dtype are raised to its smallest normal number and counted",
          "[hessian_methods_test]") {
  auto w = random_weight(4, 64);
  w.select(0, 2).mul_(1e-8);
  assay::quant::ledger events;
  const auto result = run("opt_rtn", {{"grid", "minmax"}}, w, {}, 1, &events);
  CHECK(events.counts() == std::map<std::string, int>{{"clamped_scale", 1}});
  CHECK(result.form.find("scales")->to(at::kFloat).abs().min().item<float>() >= 6.1e-5f);
}
