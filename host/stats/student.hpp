// Student's t for the mean of paired differences: an interval and a test. It is for few differences of continuous scores, where the
// exact sign-flip test (permutation.hpp) cannot give a small p.
#pragma once

#include <span>

#include "stats/interval.hpp"

namespace assay::stats {

// The mean of the values with its two-sided interval. Throws error(usage) for fewer than two values.
interval student_t_mean(std::span<const double> values, double level);

// The two-sided p of the hypothesis that the mean is zero. NaN if all differences are equal, because they then say nothing about their
// spread. Throws error(usage) for fewer than two differences and for a value that is not finite.
double paired_t_p(std::span<const double> differences);

}  // namespace assay::stats
