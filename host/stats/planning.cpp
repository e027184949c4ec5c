// Power, sample sizes, non-inferiority and equivalence.
// Not the verdict words: the report's Lua side chooses those.
#include "stats/planning.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "stats/describe.hpp"
#include "stats/distributions.hpp"

namespace assay::stats {
namespace {

double z_sum(const design &d) {
  return normal_quantile(1.0 - 0.5 * d.alpha) + normal_quantile(d.power);
}

void check_items(int64_t n) {
  if (n < 1) throw error(error_kind::usage, "a plan needs at least one item");
}

int64_t round_up(double n) {
  return static_cast<int64_t>(std::ceil(n - 1e-9));
}

}  // namespace

double mde_paired(double discordance, int64_t n, design d) {
  check_items(n);
  return z_sum(d) * std::sqrt(discordance / static_cast<double>(n));
}

double mde_unpaired(double rate, int64_t n_per_arm, design d) {
  check_items(n_per_arm);
  return z_sum(d) * std::sqrt(2.0 * rate * (1.0 - rate) / static_cast<double>(n_per_arm));
}

double mde_mean(double standard_deviation, int64_t n, design d) {
  check_items(n);
  return z_sum(d) * standard_deviation / std::sqrt(static_cast<double>(n));
}

int64_t items_for_mde(double discordance, double difference, design d) {
  const double ratio = z_sum(d) / difference;
  return round_up(ratio * ratio * discordance);
}

int64_t items_for_noninferiority(double discordance, double margin, double power) {
  const double ratio = (normal_quantile(0.975) + normal_quantile(power)) / margin;
  return round_up(ratio * ratio * discordance);
}

bool is_noninferior(const interval &difference, double margin) {
  return difference.low > -margin;
}

double equivalence_p(std::span<const double> differences, double margin) {
  if (differences.size() < 2)
    throw error(error_kind::usage, "an equivalence test needs at least two differences");
  const double n = static_cast<double>(differences.size());
  const double centre = mean(differences);
  const double standard_error = standard_deviation(differences) / std::sqrt(n);
  if (standard_error == 0.0) return std::fabs(centre) < margin ? 0.0 : 1.0;
  const double above = 1.0 - student_t_cdf((centre + margin) / standard_error, n - 1.0);
  const double below = student_t_cdf((centre - margin) / standard_error, n - 1.0);
  return std::max(above, below);
}

}  // namespace assay::stats
