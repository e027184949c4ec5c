// Computes Student's t interval of a mean and the paired t test.
#include "stats/student.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "core/error.hpp"
#include "stats/describe.hpp"
#include "stats/distributions.hpp"

namespace assay::stats {

interval student_t_mean(std::span<const double> values, double level) {
  const double n = static_cast<double>(values.size());
  const double centre = mean(values);
  const double error = standard_deviation(values) / std::sqrt(n);
  const double t = student_t_quantile(0.5 + 0.5 * level, n - 1.0);
  return {centre, centre - t * error, centre + t * error, level, "Student t"};
}

double paired_t_p(std::span<const double> differences) {
  if (differences.size() < 2)
    throw error(error_kind::usage, "a paired t test needs at least two differences, not " +
                                       std::to_string(differences.size()));
  for (const double value : differences)
    if (!std::isfinite(value))
      throw error(error_kind::usage, "a difference is not a finite number");
  const double n = static_cast<double>(differences.size());
  const double standard_error = standard_deviation(differences) / std::sqrt(n);
  // Rounding can give equal differences a tiny spread in their last bits, which does not count.
  const double centre = mean(differences);
  if (standard_error <= 1e-12 * std::fabs(centre) || standard_error == 0.0)
    return std::numeric_limits<double>::quiet_NaN();
  return 2.0 * student_t_cdf(-std::fabs(centre) / standard_error, n - 1.0);
}

}  // namespace assay::stats
