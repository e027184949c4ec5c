// Tests planning (power, sample sizes, margins) and adjusted p values against published tables.
// Intervals are in interval_test.cpp.
#include "catch.hpp"

#include "core/error.hpp"
#include "stats/multiplicity.hpp"
#include "stats/planning.hpp"
#include "stats/proportion.hpp"
#include "stats_goldens.hpp"

using namespace assay::stats;

// mde_paired(share of items that are right in one variant only, number of items): the smallest difference that is detected.
TEST_CASE("minimum detectable effects match the published table", "[planning]") {
  CHECK(mde_paired(0.05, 20) == Approx(0.140).margin(5e-4));
  CHECK(mde_paired(0.10, 60) == Approx(0.114).margin(6e-4));
  CHECK(mde_paired(0.20, 100) == Approx(0.125).margin(5e-4));
  CHECK(mde_paired(0.10, 1319) == Approx(0.024).margin(6e-4));
  CHECK(mde_paired(0.20, 11873) == Approx(0.011).margin(6e-4));
}

// items_for_mde and items_for_noninferiority(the same share, difference or margin): the number of items that are needed.
TEST_CASE("sample sizes match the published table", "[planning]") {
  CHECK(items_for_mde(0.05, 0.01) == Approx(3925).margin(1));
  CHECK(items_for_mde(0.10, 0.03) == 873);
  CHECK(items_for_mde(0.20, 0.05) == Approx(628).margin(1));
  CHECK(items_for_mde(0.10, 0.10) == 79);
  CHECK(items_for_noninferiority(0.10, 0.01) == Approx(10508).margin(1));
  CHECK(items_for_noninferiority(0.10, 0.02) == Approx(2627).margin(1));
  CHECK(items_for_noninferiority(0.10, 0.03) == Approx(1168).margin(1));
  CHECK(items_for_noninferiority(0.10, 0.05) == Approx(421).margin(1));
}

TEST_CASE("if none of n items is a case, the rate is below about 3 / n", "[planning]") {
  CHECK(zero_cases_upper_bound(20) == Approx(0.139).margin(5e-4));
  CHECK(zero_cases_upper_bound(3000) == Approx(0.001).margin(5e-6));
}

TEST_CASE("non-inferiority needs the whole interval above minus the margin", "[planning]") {
  CHECK(is_noninferior({-0.005, -0.015, 0.005, 0.95, ""}, 0.02));
  CHECK_FALSE(is_noninferior({-0.005, -0.025, 0.015, 0.95, ""}, 0.02));
}

// Both adjust the p values of several tests: Holm bounds the chance of any false finding, Benjamini-Hochberg the share of false ones.
TEST_CASE("Holm steps down and Benjamini-Hochberg agrees with SciPy", "[planning]") {
  const std::vector<double> p = {0.01, 0.04, 0.03, 0.005};
  const std::vector<double> adjusted = holm(p);
  CHECK(adjusted[0] == Approx(0.03));
  CHECK(adjusted[1] == Approx(0.06));
  CHECK(adjusted[2] == Approx(0.06));
  CHECK(adjusted[3] == Approx(0.02));
  const auto &item = goldens()["multiplicity"];
  const std::vector<double> expected = numbers(item["benjamini_hochberg"]);
  const std::vector<double> rates = benjamini_hochberg(numbers(item["p"]));
  REQUIRE(rates.size() == expected.size());
  for (size_t i = 0; i < rates.size(); ++i) CHECK(rates[i] == Approx(expected[i]).epsilon(1e-12));
  const std::vector<double> wrong = {0.5, 1.5};
  CHECK_THROWS_WITH(holm(wrong), "a p value lies between 0 and 1, not 1.500000");
}
