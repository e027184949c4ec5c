// One proportion k of n: Wilson and Clopper-Pearson intervals, and what zero observations still
// allow. Not for differences (paired.hpp). Wald intervals are left out on purpose: they under-cover
// for small n.
#pragma once

#include <cstdint>

#include "stats/interval.hpp"

namespace assay::stats {

// All throw error(usage) unless 0 <= k <= n, n >= 1 and 0 < level < 1.
interval wilson(int64_t k, int64_t n, double level = 0.95);
interval clopper_pearson(int64_t k, int64_t n,
                         double level = 0.95);  // conservative: for 0/n and n/n claims

// Largest prevalence that is compatible with zero cases among n at this one-sided level (about
// 3/n at 0.95).
double zero_cases_upper_bound(int64_t n, double level = 0.95);

}  // namespace assay::stats
