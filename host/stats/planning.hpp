// Before a study runs: how small a difference it can see, how many items a claim of non-inferiority
// needs; and that claim itself. Margins are chosen before results are seen.
#pragma once

#include <cstdint>

#include "stats/interval.hpp"

namespace assay::stats {

struct design {
  double alpha = 0.05;  // two-sided
  double power = 0.80;
};

// Smallest true difference (fraction) that n paired items detect, if a share `discordance` of them
// flips (Miettinen 1968): (z + z) sqrt(discordance / n).
double mde_paired(double discordance, int64_t n, design d = {});
// The same for a mean of n paired differences with this standard deviation (nats per window,
// F1 per item).
double mde_mean(double standard_deviation, int64_t n, design d = {});

int64_t items_for_mde(double discordance, double difference, design d = {});
// Items to show non-inferiority within `margin` (fraction) if the truth is no difference;
// alpha one-sided 0.025.
int64_t items_for_noninferiority(double discordance, double margin, double power = 0.90);

// The interval excludes a loss of the margin or more. margin > 0 in the interval's unit; for a
// quantity where lower is better, pass the interval of the negated quantity.
bool is_noninferior(const interval &difference, double margin);

}  // namespace assay::stats
