// Tests resampling (bootstrap and permutations): its results are reproducible and close to those of SciPy, and few
// windows get the t interval. BCa is the bias-corrected and accelerated interval. Proportions are in interval_test.cpp.
#include "catch.hpp"

#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "stats/bootstrap.hpp"
#include "stats/permutation.hpp"
#include "stats/random.hpp"
#include "stats_goldens.hpp"

using namespace assay::stats;

// Philox is the generator of random numbers: a function of a counter and a key.
TEST_CASE("Philox gives the known answers of its paper's code", "[bootstrap]") {
  CHECK(philox4x32({0, 0, 0, 0}, 0) ==
        std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t ones = 0xffffffff;
  CHECK(philox4x32({ones, ones, ones, ones}, ~uint64_t{0}) ==
        std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
        std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

// fill_draws computes many draws at once; draws() computes four.
TEST_CASE("draws in batches equal draws of four", "[bootstrap]") {
  std::vector<uint32_t> words(2 * 4 * k_lanes);
  fill_draws(words.data(), 2, 99, 1, 7);
  for (uint32_t quad = 0; quad < 2 * k_lanes; ++quad) {
    const auto expected = draws(99, 1, 7, quad);
    for (uint32_t j = 0; j < 4; ++j) CHECK(words[4 * quad + j] == expected[j]);
  }
}

TEST_CASE("bootstrap limits agree with SciPy within resampling error", "[bootstrap]") {
  for (const auto &item : goldens()["bootstraps"]) {
    INFO(item["name"].get<std::string>());
    const std::vector<double> values = numbers(item["values"]);
    bootstrap_options options;
    options.replicates = 40000;
    for (const auto kind : {bootstrap_kind::bca, bootstrap_kind::percentile}) {
      options.kind = kind;
      const auto expected = numbers(item[kind == bootstrap_kind::bca ? "BCa" : "percentile"]);
      const bootstrap_result result = bootstrap_mean(values, options);
      // The values of "items" are -1, 0 and 1, so a mean moves in steps of 1 / n: two
      // bootstraps may differ by one step.
      const double step = item["name"] == "items" ? 1.0 / static_cast<double>(values.size()) : 0.0;
      const double tolerance = 0.03 * (expected[1] - expected[0]) + 1.01 * step;
      CHECK(result.low == Approx(expected[0]).margin(tolerance));
      CHECK(result.high == Approx(expected[1]).margin(tolerance));
    }
  }
}

TEST_CASE("the same seed gives the same bits and another seed does not", "[bootstrap]") {
  const std::vector<double> values = numbers(goldens()["bootstraps"][0]["values"]);
  bootstrap_options options;
  options.replicates = 1000;
  options.seed = 42;
  const bootstrap_result first = bootstrap_mean(values, options);
  const bootstrap_result second = bootstrap_mean(values, options);
  CHECK(first.low == second.low);
  CHECK(first.high == second.high);
  CHECK(first.method == "bootstrap, BCa, 1000 replicates, seed 42");
  options.seed = 43;
  CHECK(bootstrap_mean(values, options).low != first.low);
}

TEST_CASE(
    "the perplexity ratio is the exponential of the mean difference, and so are the limits of its "
    "interval",
    "[bootstrap]") {
  std::vector<double> reference;
  std::vector<double> variant;
  for (int i = 0; i < 32; ++i) {
    reference.push_back(3.0 + 0.3 * std::sin(i));
    variant.push_back(reference.back() + 0.08 + 0.004 * std::cos(3 * i));
  }
  bootstrap_options options;
  options.seed = 1;
  const interval ratio = perplexity_ratio(variant, reference, options);
  CHECK(ratio.estimate == Approx(std::exp(0.08)).epsilon(2e-4));
  CHECK(ratio.low < ratio.estimate);
  CHECK(ratio.high > ratio.estimate);
  CHECK(ratio.high - ratio.low < 0.005);  // pairing removes differences between windows
  CHECK(ratio.method == "paired bootstrap, BCa, 10000 replicates, seed 1, 32 windows");
  const interval own = perplexity_interval(variant, options);
  CHECK(own.high - own.low > 1.0);
}

TEST_CASE("two windows of cross-entropy 1 and 3 give the perplexity exp 2", "[bootstrap]") {
  const std::vector<double> windows = {1.0, 3.0};
  CHECK(perplexity_interval(windows, {}).estimate == Approx(std::exp(2.0)));
}

TEST_CASE("few windows get the interval of Student's t, and the method says so", "[bootstrap]") {
  const std::vector<double> reference = {3.0, 3.1, 2.9, 3.2};
  const std::vector<double> variant = {3.1, 3.2, 3.05, 3.3};
  const interval ratio = perplexity_ratio(variant, reference, {});
  CHECK(ratio.method == "paired Student t, 4 windows");
  // The differences are 0.1 0.1 0.15 0.1: mean 0.1125, standard error 0.0125; t of 3 degrees of freedom is 3.182446.
  CHECK(std::log(ratio.high) == Approx(0.1125 + 3.182446 * 0.0125).epsilon(1e-6));
}

TEST_CASE("identical windows give the ratio one and an interval of width zero", "[bootstrap]") {
  const std::vector<double> windows(20, 3.0);
  const interval ratio = perplexity_ratio(windows, windows, {});
  CHECK(ratio.estimate == 1.0);
  CHECK(ratio.low == 1.0);
  CHECK(ratio.high == 1.0);
}

TEST_CASE("clusters widen the interval when their items agree", "[bootstrap]") {
  std::vector<double> values;
  std::vector<std::string> clusters;
  std::vector<std::string> own;
  for (int i = 0; i < 200; ++i) {
    values.push_back((i / 10) % 3 == 0 ? 1.0 : 0.0);
    clusters.push_back("article " + std::to_string(i / 10));
    own.push_back(std::to_string(i));
  }
  const bootstrap_result by_cluster = bootstrap_clusters(values, clusters, {});
  const bootstrap_result by_item = bootstrap_clusters(values, own, {});
  CHECK(by_cluster.estimate == Approx(by_item.estimate));
  CHECK(by_cluster.standard_error > 2.0 * by_item.standard_error);
  CHECK(by_cluster.method == "cluster bootstrap, BCa, 10000 replicates, seed 0, 20 clusters");
}

TEST_CASE("longer blocks widen the interval of a slowly drifting series", "[bootstrap]") {
  std::vector<double> values;
  for (int i = 0; i < 120; ++i) values.push_back(std::sin(i * 0.1));
  bootstrap_options options;
  const double alone = bootstrap_mean(values, options).standard_error;
  options.block = 12;
  const bootstrap_result blocks = bootstrap_mean(values, options);
  CHECK(blocks.standard_error > 2.0 * alone);
  CHECK(blocks.method == "block bootstrap, BCa, 10000 replicates, seed 0");
}

TEST_CASE("a ratio is one sum divided by another, and a divisor that may be zero is refused",
          "[bootstrap]") {
  const std::vector<double> top = {1, 2, 3, 4};
  const std::vector<double> bottom = {2, 4, 6, 8};
  const bootstrap_result ratio = bootstrap_ratio(top, bottom, {});
  CHECK(ratio.estimate == Approx(0.5));
  CHECK(ratio.low == Approx(0.5));
  const std::vector<double> around_zero = {1, -1, 1, -0.9};
  CHECK_THROWS_WITH(bootstrap_ratio(top, around_zero, {}),
                    "the denominator of the ratio may be zero. report the difference "
                    "instead of a ratio");
}

TEST_CASE("difference in differences compares what two subjects lose by quantization",
          "[bootstrap]") {
  std::vector<double> first_base(50, 1.0), first_quant(50, 1.0), second_base(50, 1.0), second_quant;
  for (int i = 0; i < 50; ++i) second_quant.push_back(i % 5 == 0 ? 0.0 : 1.0);
  const bootstrap_result change =
      difference_in_differences(first_base, first_quant, second_base, second_quant, {}, {});
  CHECK(change.estimate == Approx(-0.2));
  CHECK(change.high < 0.0);
}

TEST_CASE("the sign-flip test agrees with SciPy, exactly for few differences", "[bootstrap]") {
  const auto &cases = goldens()["permutations"];
  const permutation_result exact = sign_flip_test(numbers(cases[0]["values"]));
  CHECK(exact.exact);
  CHECK(exact.permutations == 4096);
  CHECK(exact.p == Approx(cases[0]["p"].get<double>()).margin(1e-12));
  const permutation_result drawn = sign_flip_test(numbers(cases[1]["values"]), 40000);
  CHECK_FALSE(drawn.exact);
  CHECK(drawn.p == Approx(cases[1]["p"].get<double>()).margin(0.01));
}

TEST_CASE("the p of a test with drawn permutations is never zero", "[bootstrap]") {
  const std::vector<double> values(100, 1.0);
  CHECK(sign_flip_test(values, 999).p == Approx(0.001));
}

TEST_CASE("resampling refuses what has no interval", "[bootstrap]") {
  const std::vector<double> one = {1.0};
  const std::vector<double> two = {1.0, 2.0};
  const std::vector<double> bad = {1.0, std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_WITH(bootstrap_mean(one, {}), "a bootstrap needs at least two units, not 1");
  CHECK_THROWS_WITH(
      bootstrap_mean(bad, {}),
      "unit 1 is not a finite number. a run with non-finite scores is invalid; look at "
      "its gates first");
  CHECK_THROWS_WITH(perplexity_ratio(two, one, {}),
                    "paired scores must come from the same items: 2 against 1");
  bootstrap_options options;
  options.replicates = 10;
  CHECK_THROWS_WITH(bootstrap_mean(two, options),
                    "a bootstrap needs at least 100 replicates, not 10");
}
