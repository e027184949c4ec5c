// Computes the intervals for one proportion. Paired data are in paired.cpp.
#include "stats/proportion.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "stats/distributions.hpp"

namespace assay::stats {
namespace {

void check(int64_t k, int64_t n, double level) {
  if (n < 1 || k < 0 || k > n)
    throw error(error_kind::usage, "a proportion needs 0 <= k <= n and n >= 1, not " +
                                       std::to_string(k) + " of " + std::to_string(n));
  if (!(level > 0.0 && level < 1.0))
    throw error(error_kind::usage, "a confidence level lies between 0 and 1, such as 0.95");
}

}  // namespace

// Wilson 1927: the interval has all proportions that a two-sided score test does not reject.
interval wilson(int64_t k, int64_t n, double level) {
  check(k, n, level);
  const double count = static_cast<double>(n);
  const double p = static_cast<double>(k) / count;
  const double z = normal_quantile(0.5 + 0.5 * level);
  const double scale = 1.0 + z * z / count;
  const double centre = (p + z * z / (2.0 * count)) / scale;
  const double half = z * std::sqrt(p * (1.0 - p) / count + z * z / (4.0 * count * count)) / scale;
  const double low = k == 0 ? 0.0 : std::max(0.0, centre - half);
  const double high = k == n ? 1.0 : std::min(1.0, centre + half);
  return {p, low, high, level, "Wilson"};
}

interval clopper_pearson(int64_t k, int64_t n, double level) {
  check(k, n, level);
  const double half_alpha = 0.5 * (1.0 - level);
  const double successes = static_cast<double>(k);
  const double failures = static_cast<double>(n - k);
  const double low = k == 0 ? 0.0 : beta_quantile(half_alpha, successes, failures + 1.0);
  const double high = k == n ? 1.0 : beta_quantile(1.0 - half_alpha, successes + 1.0, failures);
  return {successes / static_cast<double>(n), low, high, level, "Clopper-Pearson"};
}

double zero_cases_upper_bound(int64_t n, double level) {
  check(0, n, level);
  return -std::expm1(std::log(1.0 - level) / static_cast<double>(n));
}

}  // namespace assay::stats
