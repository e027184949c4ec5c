// Distribution functions and their inverses, as far as the intervals and tests here need them.
// The callers check the domains; a value outside them is Boost's std::domain_error.
#pragma once

#include <cstdint>

namespace assay::stats {

double normal_cdf(double z);                                     // z finite
double normal_quantile(double p);                                // infinite at 0 and 1
double beta_quantile(double p, double a, double b);              // inverse of I_x(a, b); a, b > 0
double student_t_cdf(double t, double degrees_of_freedom);       // t finite, degrees_of_freedom > 0
double student_t_quantile(double p, double degrees_of_freedom);  // 0 < p < 1
double binomial_cdf(int64_t k, int64_t n, double p);             // P(X <= k)

}  // namespace assay::stats
