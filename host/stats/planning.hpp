// Plans a study before it runs: how small a difference it can detect, and how many items it needs to show
// non-inferiority (a variant is worse by less than a margin). Also checks non-inferiority after the run. Choose the
// margin before you see results.
#pragma once

#include <cstdint>

#include "stats/interval.hpp"

namespace assay::stats {

struct design {
  double alpha = 0.05;  // probability to see a difference where there is none, two-sided
  double power = 0.80;  // probability to see a difference that is there
};

// The smallest true difference of accuracy (0.01 is one point) that n paired items detect (Miettinen 1968).
// `discordance` is the share of items on which exactly one of the two variants is right. The result is (z(1 - alpha /
// 2) + z(power)) sqrt(discordance / n), where z is the normal quantile.
double mde_paired(double discordance, int64_t n, design d = {});
// The smallest detectable mean of n paired differences (nats per window, or F1 per item) that have this standard
// deviation. The result has the unit of the standard deviation.
double mde_mean(double standard_deviation, int64_t n, design d = {});

// The number of paired items that detect this true difference: the inverse of mde_paired.
int64_t items_for_mde(double discordance, double difference, design d = {});
// The number of items that show non-inferiority within `margin` (0.01 is one point) if there is no true difference. The
// one-sided alpha is 0.025.
int64_t items_for_noninferiority(double discordance, double margin, double power = 0.90);

// True if the interval has no value of -margin or less. `margin` is > 0 and in the unit of the interval. If lower
// values are better, pass the interval of the negated quantity.
bool is_noninferior(const interval &difference, double margin);

}  // namespace assay::stats
