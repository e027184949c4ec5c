// Intervals for one proportion k of n: Wilson and Clopper-Pearson, and how large a proportion can be if no case was
// seen. For differences see paired.hpp. There are no Wald intervals (p +- z sqrt(p (1 - p) / n), p = k / n): they
// are too narrow for small n.
#pragma once

#include <cstdint>

#include "stats/interval.hpp"

namespace assay::stats {

// All throw error(usage) unless 0 <= k <= n, n >= 1 and 0 < level < 1.
interval wilson(int64_t k, int64_t n, double level = 0.95);
// Never too narrow, but wider than necessary. It is for claims about 0 of n and n of n.
interval clopper_pearson(int64_t k, int64_t n, double level = 0.95);

// The largest true proportion with which zero cases among n are still plausible, at this one-sided level. At 0.95 it is
// about 3 / n: no case among 300 allows up to 1 %.
double zero_cases_upper_bound(int64_t n, double level = 0.95);

}  // namespace assay::stats
