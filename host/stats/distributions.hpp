// Distribution functions and their inverses, as far as the intervals and tests here need them.
// Not a general library: domains are checked by the callers.
#pragma once

#include <cstdint>

namespace assay::stats {

double normal_cdf(double z);
double normal_quantile(double p);               // 0 < p < 1; accurate to a few ulp
double beta_cdf(double x, double a, double b);  // regularised incomplete beta I_x(a, b)
double beta_quantile(double p, double a, double b);
double student_t_cdf(double t, double degrees_of_freedom);
double student_t_quantile(double p, double degrees_of_freedom);
double binomial_cdf(int64_t k, int64_t n, double p);  // P(X <= k)

}  // namespace assay::stats
