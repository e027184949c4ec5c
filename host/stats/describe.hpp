// Describes a list of numbers: mean, standard deviation, median, quantiles.
// Intervals and tests are in the other files of this folder.
#pragma once

#include <span>
#include <vector>

namespace assay::stats {

// Each throws error(usage) for an empty list; standard_deviation also for one value, and quantile for p outside [0, 1].
double mean(std::span<const double> values);
double standard_deviation(std::span<const double> values);  // divides by n - 1
double median(std::span<const double> values);
double quantile(std::span<const double> values, double p);  // 0 <= p <= 1

// The value at position p (n - 1), interpolated between two neighbours, as numpy does by default. `sorted` is ascending
// and not empty. Nothing is checked.
double quantile_of_sorted(std::span<const double> sorted, double p);

}  // namespace assay::stats
