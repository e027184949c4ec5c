// Normal, beta, Student t and binomial distribution functions, by Boost.Math.
// Boost's templates are slow to compile, so they are included in this file alone.
#include "stats/distributions.hpp"

#include <limits>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace assay::stats {
namespace {

namespace policies = boost::math::policies;

// Boost must not compute in long double: its size depends on the processor, and results would differ.
using doubles = policies::policy<policies::promote_double<false>>;
using normal = boost::math::normal_distribution<double, doubles>;
using beta = boost::math::beta_distribution<double, doubles>;
using students_t = boost::math::students_t_distribution<double, doubles>;
using binomial = boost::math::binomial_distribution<double, doubles>;

}  // namespace

double normal_cdf(double z) {
  return boost::math::cdf(normal(), z);
}

double normal_quantile(double p) {
  if (p <= 0.0) return -std::numeric_limits<double>::infinity();
  if (p >= 1.0) return std::numeric_limits<double>::infinity();
  return boost::math::quantile(normal(), p);
}

double beta_quantile(double p, double a, double b) {
  return boost::math::quantile(beta(a, b), p);
}

double student_t_cdf(double t, double degrees_of_freedom) {
  return boost::math::cdf(students_t(degrees_of_freedom), t);
}

double student_t_quantile(double p, double degrees_of_freedom) {
  return boost::math::quantile(students_t(degrees_of_freedom), p);
}

double binomial_cdf(int64_t k, int64_t n, double p) {
  if (k < 0) return 0.0;
  if (k >= n) return 1.0;
  return boost::math::cdf(binomial(static_cast<double>(n), p), static_cast<double>(k));
}

}  // namespace assay::stats
