// Computes the smallest detectable differences, the sample sizes and the test of non-inferiority.
// scripts/assay/results/verdicts.lua chooses the words of the verdicts.
#include "stats/planning.hpp"

#include <cmath>

#include "core/error.hpp"
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

}  // namespace assay::stats
