// Planning of a study before it runs: how small a difference it can detect, and how many items it needs to show non-inferiority (a
// variant is worse by less than a margin). Also the check of non-inferiority itself. Choose the margin before you see results.
#pragma once

#include <cstdint>

#include "stats/interval.hpp"

namespace assay::stats {

struct design {
  double alpha = 0.05;  // probability to see a difference where there is none, two-sided
  double power = 0.80;  // probability to see a difference that is there
};

// The smallest true difference of accuracy (0.01 is one point) that n paired items detect, if the share `discordance` of them is
// right in one variant only (Miettinen 1968): (z(1 - alpha / 2) + z(power)) sqrt(discordance / n), z being the normal quantile.
double mde_paired(double discordance, int64_t n, design d = {});
// The same for a mean of n paired differences with this standard deviation, for example nats per window or F1 per item. The result
// has the unit of the standard deviation.
double mde_mean(double standard_deviation, int64_t n, design d = {});

// The number of paired items that detect this true difference: the inverse of mde_paired.
int64_t items_for_mde(double discordance, double difference, design d = {});
// The number of items that show non-inferiority within `margin` (0.01 is one point) if there is no true difference. The one-sided
// alpha is 0.025.
int64_t items_for_noninferiority(double discordance, double margin, double power = 0.90);

// True if the interval has no value of -margin or less. `margin` is > 0 and in the unit of the interval. If lower values are better,
// pass the interval of the negated quantity.
bool is_noninferior(const interval &difference, double margin);

}  // namespace assay::stats
