// Student's t: an interval of a mean, and a test of paired differences. It is for few values of a continuous score,
// where a bootstrap is too narrow and the exact sign-flip test (permutation.hpp) cannot give a small p.
#pragma once

#include <span>

#include "stats/interval.hpp"

namespace assay::stats {

// The mean of the values with its two-sided interval. Throws error(usage) for fewer than two values.
interval student_t_mean(std::span<const double> values, double level);

// The two-sided p of the hypothesis that the mean is zero. NaN if all differences are equal (up to rounding), because
// then their spread is unknown. Throws error(usage) for fewer than two differences and for a value that is not finite.
double paired_t_p(std::span<const double> differences);

}  // namespace assay::stats
