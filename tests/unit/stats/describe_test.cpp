// Tests mean, standard deviation, median and quantiles against numbers worked out by hand.
#include "catch.hpp"

#include <cmath>

#include "core/error.hpp"
#include "stats/describe.hpp"

using namespace assay::stats;

TEST_CASE("the standard deviation divides by n - 1", "[describe]") {
  const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(mean(values) == 5.0);
  CHECK(standard_deviation(values) == Approx(std::sqrt(32.0 / 7.0)));
}

TEST_CASE(
    "the median and quantiles are interpolated between neighbours, whatever the order of the "
    "values",
    "[describe]") {
  const std::vector<double> odd = {9, 1, 4};
  const std::vector<double> even = {9, 1, 4, 6};
  CHECK(median(odd) == 4.0);
  CHECK(median(even) == 5.0);
  CHECK(quantile(even, 0.0) == 1.0);
  CHECK(quantile(even, 1.0) == 9.0);
  CHECK(quantile(even, 0.1) == Approx(1.9));  // as numpy.quantile gives
}

TEST_CASE("descriptions refuse what they cannot describe", "[describe]") {
  const std::vector<double> none;
  const std::vector<double> one = {1.0};
  CHECK_THROWS_WITH(mean(none), "a mean needs at least one value, not 0");
  CHECK_THROWS_WITH(median(none), "a median needs at least one value, not 0");
  CHECK_THROWS_WITH(standard_deviation(one),
                    "a standard deviation needs at least two values, not 1");
  CHECK_THROWS_WITH(quantile(one, 1.5),
                    "a quantile is asked for at a share between 0 and 1, not 1.500000");
}
