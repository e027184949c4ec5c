// Tests intervals and significance tests of proportions, single and paired, against published numbers and SciPy.
// Resampling is in bootstrap_test.cpp.
#include "catch.hpp"

#include "core/error.hpp"
#include "stats/distributions.hpp"
#include "stats/paired.hpp"
#include "stats/proportion.hpp"
#include "stats_goldens.hpp"

using namespace assay::stats;

TEST_CASE("Wilson and Clopper-Pearson give the published intervals", "[interval]") {
  const interval half = wilson(10, 20);
  CHECK(half.low == Approx(0.2993).margin(5e-5));
  CHECK(half.high == Approx(0.7007).margin(5e-5));
  CHECK(clopper_pearson(0, 20).high == Approx(0.1684).margin(5e-5));
  CHECK(clopper_pearson(0, 20).low == 0.0);
  CHECK(wilson(0, 20).high == Approx(0.161).margin(5e-4));
  CHECK(wilson(0, 2).high == Approx(0.658).margin(5e-4));
  CHECK(wilson(1, 20).low == Approx(0.009).margin(5e-4));
  CHECK(wilson(13, 60).high == Approx(0.336).margin(5e-4));
}

TEST_CASE("intervals of proportions agree with SciPy", "[interval]") {
  for (const auto &item : goldens()["proportions"]) {
    const int64_t k = item["k"];
    const int64_t n = item["n"];
    const interval score = wilson(k, n);
    const interval exact = clopper_pearson(k, n);
    CHECK(score.low == Approx(item["wilson"][0].get<double>()).margin(1e-12));
    CHECK(score.high == Approx(item["wilson"][1].get<double>()).margin(1e-12));
    CHECK(exact.low == Approx(item["exact"][0].get<double>()).margin(1e-10));
    CHECK(exact.high == Approx(item["exact"][1].get<double>()).margin(1e-10));
  }
}

TEST_CASE("distribution functions agree with SciPy", "[interval]") {
  const auto &answers = goldens()["distributions"];
  for (const auto &row : answers["normal_quantile"])
    CHECK(normal_quantile(row[0]) == Approx(row[1].get<double>()).epsilon(1e-12).margin(1e-15));
  for (const auto &row : answers["beta_quantile"])
    CHECK(beta_quantile(row[0], row[1], row[2]) == Approx(row[3].get<double>()).epsilon(1e-9));
  for (const auto &row : answers["student_t_quantile"])
    CHECK(student_t_quantile(row[0], row[1]) == Approx(row[2].get<double>()).epsilon(1e-9));
  for (const auto &row : answers["binomial_cdf"])
    CHECK(binomial_cdf(row[0], row[1], row[2]) == Approx(row[3].get<double>()).epsilon(1e-10));
}

// Arguments: items lost (right before, wrong after) and gained (wrong before, right after).
TEST_CASE("exact McNemar gives the published p values", "[interval]") {
  CHECK(mcnemar_exact(10, 0) == Approx(0.00195).margin(5e-6));
  CHECK(mcnemar_exact(8, 1) == Approx(0.0391).margin(5e-5));
  CHECK(mcnemar_exact(12, 3) == Approx(0.0352).margin(5e-5));
  CHECK(mcnemar_exact(6, 0) == Approx(0.031).margin(5e-4));
  CHECK(mcnemar_exact(5, 0) == Approx(0.0625));
  CHECK(mcnemar_exact(70, 45) == Approx(0.0248).margin(5e-5));
  CHECK(mcnemar_exact(0, 0) == 1.0);
  CHECK(mcnemar_exact(4, 4) == 1.0);
  for (const auto &item : goldens()["mcnemar"])
    CHECK(mcnemar_exact(item["lost"], item["gained"]) ==
          Approx(item["p"].get<double>()).epsilon(1e-9));
}

// mid-p is the p of McNemar's test in which the observed split counts with half its probability.
TEST_CASE("mid-p lies below the exact p and is one for an even split", "[interval]") {
  CHECK(mcnemar_mid_p(8, 1) < mcnemar_exact(8, 1));
  CHECK(mcnemar_mid_p(8, 1) == Approx((10.0 / 512 + 1.0 / 512)).epsilon(1e-9));
  CHECK(mcnemar_mid_p(4, 4) == Approx(1.0 - 0.5 * 70.0 / 256));
}

// tango(lost, gained, n) is an interval for (gained - lost) / n.
TEST_CASE("Tango's interval gives the published limits", "[interval]") {
  const interval gsm = tango(70, 45, 1319);
  CHECK(gsm.estimate == Approx(-0.0190).margin(5e-5));
  CHECK(gsm.low == Approx(-0.035).margin(5e-4));
  CHECK(gsm.high == Approx(-0.003).margin(5e-4));
  const interval flips_study = tango(60, 40, 1000);
  CHECK(flips_study.low == Approx(-0.040).margin(5e-4));
  CHECK(flips_study.high == Approx(-0.000).margin(1e-3));
  const interval arc = tango(10, 0, 20);
  CHECK(arc.low == Approx(-0.701).margin(5e-4));
  CHECK(arc.high == Approx(-0.258).margin(5e-4));
  const interval squad_low = tango(1, 10, 20);  // the one right answer lost, ten gained
  CHECK(squad_low.low == Approx(0.145).margin(5e-4));
  const interval squad_high = tango(0, 9, 20);
  CHECK(squad_high.low == Approx(0.216).margin(5e-4));
  CHECK(squad_high.high == Approx(0.658).margin(5e-4));
  CHECK(tango(2, 0, 20).low == Approx(-0.301).margin(5e-4));
  CHECK(tango(2, 0, 20).high == Approx(0.077).margin(5e-4));
}

TEST_CASE("Tango's interval is defined if no item changed and if all items changed", "[interval]") {
  const interval same = tango(0, 0, 20);
  CHECK(same.low == Approx(-0.161).margin(5e-4));
  CHECK(same.high == Approx(0.161).margin(5e-4));
  CHECK(tango(20, 0, 20).low == -1.0);
  CHECK(tango(0, 20, 20).high == 1.0);
  CHECK(tango(0, 20, 20).low > 0.5);
}

TEST_CASE("pairs are counted in four cells, and flips are the share of pairs that changed",
          "[interval]") {
  const std::vector<double> base = {1, 1, 1, 0, 0, 0};
  const std::vector<double> quant = {1, 0, 0, 1, 0, 0};
  const paired_counts counts = count_pairs(base, quant);
  CHECK(counts.both == 1);
  CHECK(counts.lost == 2);
  CHECK(counts.gained == 1);
  CHECK(counts.neither == 2);
  CHECK(flips(counts).estimate == Approx(0.5));
}

TEST_CASE("wrong input is refused with the reason", "[interval]") {
  CHECK_THROWS_WITH(wilson(3, 2), "a proportion needs 0 <= k <= n and n >= 1, not 3 of 2");
  CHECK_THROWS_WITH(wilson(0, 0), "a proportion needs 0 <= k <= n and n >= 1, not 0 of 0");
  CHECK_THROWS_WITH(wilson(1, 2, 1.0), "a confidence level lies between 0 and 1, such as 0.95");
  CHECK_THROWS_WITH(tango(3, 3, 5), "lost and gained items are parts of n: 3 and 3 of 5");
  const std::vector<double> two = {1, 0};
  const std::vector<double> three = {1, 0, 1};
  const std::vector<double> graded = {1, 0.5};
  CHECK_THROWS_WITH(count_pairs(two, three),
                    "paired scores must come from the same items: 2 against 3");
  CHECK_THROWS_WITH(count_pairs(two, graded),
                    "item 1 has the score 0.500000, but right or wrong is 1 or 0");
}
