// Student's t for the mean of paired differences: an interval and a test. It is for few differences
// of continuous scores, where the exact sign-flip test has too few sign patterns for a small p.
#pragma once

#include <span>

#include "stats/interval.hpp"

namespace assay::stats {

// Mean with its two-sided interval at `level`. Throws error(usage) for fewer than two values.
interval student_t_mean(std::span<const double> values, double level);

// Two-sided p of the hypothesis that the mean is zero. NaN if all differences are equal, since they
// then say nothing of their spread. Throws error(usage) for fewer than two or a non-finite value.
double paired_t_p(std::span<const double> differences);

}  // namespace assay::stats
