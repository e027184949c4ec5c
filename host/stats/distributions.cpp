// Normal, beta, Student t and binomial distribution functions.
// Not vectorised: a report needs a few thousand of them.
#include "stats/distributions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::stats {
namespace {

// Lentz's continued fraction of the incomplete beta function (Numerical analysis folklore:
// DLMF 8.17.22).
double beta_fraction(double x, double a, double b) {
  const double tiny = std::numeric_limits<double>::min() * 1e3;
  double c = 1.0;
  double d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (std::fabs(d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m <= 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    double change = 1.0;
    for (const double term : {even, odd}) {
      d = 1.0 + term * d;
      d = 1.0 / (std::fabs(d) < tiny ? tiny : d);
      c = 1.0 + term / c;
      c = std::fabs(c) < tiny ? tiny : c;
      change = c * d;
      value *= change;
    }
    if (std::fabs(change - 1.0) < 1e-16) break;
  }
  return value;
}

// The root of an increasing function on [low, high], to the last bits of a double.
template <typename function>
double bisect(function f, double target, double low, double high) {
  for (int step = 0; step < 200 && low < high; ++step) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    (f(middle) < target ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double normal_cdf(double z) {
  return 0.5 * std::erfc(-z / std::sqrt(2.0));
}

double normal_quantile(double p) {
  if (p <= 0.0) return -std::numeric_limits<double>::infinity();
  if (p >= 1.0) return std::numeric_limits<double>::infinity();
  if (p > 0.5) return -normal_quantile(1.0 - p);
  // Hastings' start (Abramowitz and Stegun 26.2.23, error < 4.5e-4), then Newton on the
  // distribution function.
  const double t = std::sqrt(-2.0 * std::log(p));
  double z = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int step = 0; step < 4; ++step) {
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * 3.14159265358979323846);
    const double correction = (normal_cdf(z) - p) / density;
    z -=
        correction /
        (1.0 + 0.5 * z * correction);  // Halley's term: the second derivative is -z times the first
  }
  return z;
}

double beta_cdf(double x, double a, double b) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(x, a, b) / a;
  return 1.0 - front * beta_fraction(1.0 - x, b, a) / b;
}

double beta_quantile(double p, double a, double b) {
  return bisect([=](double x) { return beta_cdf(x, a, b); }, p, 0.0, 1.0);
}

double student_t_cdf(double t, double degrees_of_freedom) {
  const double x = degrees_of_freedom / (degrees_of_freedom + t * t);
  const double tail = 0.5 * beta_cdf(x, 0.5 * degrees_of_freedom, 0.5);
  return t < 0.0 ? tail : 1.0 - tail;
}

double student_t_quantile(double p, double degrees_of_freedom) {
  if (p < 0.5) return -student_t_quantile(1.0 - p, degrees_of_freedom);
  double high = 1.0;
  while (student_t_cdf(high, degrees_of_freedom) < p && high < 1e9) high *= 2.0;
  return bisect([=](double t) { return student_t_cdf(t, degrees_of_freedom); }, p, 0.0, high);
}

double binomial_cdf(int64_t k, int64_t n, double p) {
  if (k < 0) return 0.0;
  if (k >= n) return 1.0;
  return beta_cdf(1.0 - p, static_cast<double>(n - k), static_cast<double>(k) + 1.0);
}

}  // namespace assay::stats
