// Computes counts, tests and intervals of paired answers that are right or wrong.
#include "stats/paired.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "stats/distributions.hpp"
#include "stats/proportion.hpp"

namespace assay::stats {
namespace {

// Tango's statistic for the hypothesis that the true difference is `delta`. It falls as delta rises.
double tango_score(double lost, double gained, double n, double delta) {
  // q is the maximum-likelihood estimate of the probability of a lost item under the hypothesis: the larger root of
  // a q^2 + b q + c = 0.
  const double a = 2.0 * n;
  const double b = -(lost + gained) + (2.0 * n - gained + lost) * delta;
  const double c = -lost * delta * (1.0 - delta);
  const double q = std::max(0.0, (-b + std::sqrt(std::max(0.0, b * b - 4.0 * a * c))) / (2.0 * a));
  const double variance = n * (2.0 * q + delta * (1.0 - delta));
  const double distance = gained - lost - n * delta;
  if (variance <= 0.0) return distance == 0.0 ? 0.0 : std::copysign(HUGE_VAL, distance);
  return distance / std::sqrt(variance);
}

// The delta between `low` and `high` where tango_score is `target`, found by bisection.
double tango_bound(double lost, double gained, double n, double target, double low, double high) {
  for (int step = 0; step < 100; ++step) {
    const double middle = 0.5 * (low + high);
    (tango_score(lost, gained, n, middle) > target ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

paired_counts count_pairs(std::span<const double> first, std::span<const double> second) {
  if (first.size() != second.size())
    throw error(error_kind::usage,
                "paired scores must come from the same items: " + std::to_string(first.size()) +
                    " against " + std::to_string(second.size()));
  paired_counts counts;
  for (size_t i = 0; i < first.size(); ++i) {
    for (const double value : {first[i], second[i]})
      if (value != 0.0 && value != 1.0)
        throw error(error_kind::usage, "item " + std::to_string(i) + " has the score " +
                                           std::to_string(value) +
                                           ", but right or wrong is 1 or 0");
    if (first[i] == 1.0)
      ++(second[i] == 1.0 ? counts.both : counts.lost);
    else
      ++(second[i] == 1.0 ? counts.gained : counts.neither);
  }
  return counts;
}

double mcnemar_exact(int64_t lost, int64_t gained) {
  return std::min(1.0, 2.0 * binomial_cdf(std::min(lost, gained), lost + gained, 0.5));
}

double mcnemar_mid_p(int64_t lost, int64_t gained) {
  const int64_t k = std::min(lost, gained);
  const double at_most = binomial_cdf(k, lost + gained, 0.5);
  const double below = binomial_cdf(k - 1, lost + gained, 0.5);
  return std::min(1.0, lost == gained ? 1.0 - 0.5 * (at_most - below) : at_most + below);
}

interval tango(int64_t lost, int64_t gained, int64_t n, double level) {
  if (n < 1 || lost < 0 || gained < 0 || lost + gained > n)
    throw error(error_kind::usage, "lost and gained items are parts of n: " + std::to_string(lost) +
                                       " and " + std::to_string(gained) + " of " +
                                       std::to_string(n));
  const double z = normal_quantile(0.5 + 0.5 * level);
  const double b = static_cast<double>(lost);
  const double c = static_cast<double>(gained);
  const double count = static_cast<double>(n);
  const double estimate = (c - b) / count;
  const double low = lost == n ? -1.0 : tango_bound(b, c, count, z, -1.0, estimate);
  const double high = gained == n ? 1.0 : tango_bound(b, c, count, -z, estimate, 1.0);
  return {estimate, low, high, level, "Tango score"};
}

interval flips(const paired_counts &counts, double level) {
  return wilson(counts.lost + counts.gained, counts.items(), level);
}

}  // namespace assay::stats
