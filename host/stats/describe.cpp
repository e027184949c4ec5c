// Mean, standard deviation and quantiles. Sums run from the first value to the last, so that
// results are the same on every machine.
#include "stats/describe.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "core/error.hpp"

namespace assay::stats {
namespace {

void need(std::span<const double> values, size_t least, const char *what) {
  if (values.size() < least)
    throw error(error_kind::usage, std::string("a ") + what + " needs at least " +
                                       (least == 1 ? "one value" : "two values") + ", not " +
                                       std::to_string(values.size()));
}

}  // namespace

double mean(std::span<const double> values) {
  need(values, 1, "mean");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  need(values, 2, "standard deviation");
  const double centre = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return std::sqrt(squares / (static_cast<double>(values.size()) - 1.0));
}

double median(std::span<const double> values) {
  need(values, 1, "median");
  return quantile(values, 0.5);
}

double quantile(std::span<const double> values, double p) {
  need(values, 1, "quantile");
  if (!(p >= 0.0 && p <= 1.0))
    throw error(error_kind::usage,
                "a quantile is asked for at a share between 0 and 1, not " + std::to_string(p));
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return quantile_of_sorted(sorted, p);
}

double quantile_of_sorted(std::span<const double> sorted, double p) {
  const double place = p * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double share = place - static_cast<double>(below);
  return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

}  // namespace assay::stats
