// The distribution functions (cdf) and their inverses (quantile) that the intervals and tests of this room need.
// The callers check the arguments; for a value outside the allowed range Boost throws std::domain_error.
#pragma once

#include <cstdint>

namespace assay::stats {

double normal_cdf(double z);       // z finite
double normal_quantile(double p);  // infinite at 0 and 1
// The x with I_x(a, b) = p, where I is the regularized incomplete beta function; a, b > 0
double beta_quantile(double p, double a, double b);
double student_t_cdf(double t, double degrees_of_freedom);       // t finite, degrees_of_freedom > 0
double student_t_quantile(double p, double degrees_of_freedom);  // 0 < p < 1
double binomial_cdf(int64_t k, int64_t n, double p);             // at most k of n successes

}  // namespace assay::stats
