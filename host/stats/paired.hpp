// Compares two variants on the same items, each answered right or wrong: McNemar's exact test, Tango's interval
// of the difference, flips. For scores between 0 and 1 use bootstrap.hpp. Do not compare runs on different
// items with these functions.
#pragma once

#include <cstdint>
#include <span>

#include "stats/interval.hpp"

namespace assay::stats {

// The numbers of items: both right, lost (only the first variant right), gained (only the second right), neither right.
struct paired_counts {
  int64_t both = 0, lost = 0, gained = 0, neither = 0;
  int64_t items() const { return both + lost + gained + neither; }
};

// first[i] and second[i] belong to item i: 1 = right, 0 = wrong. Throws error(usage) for
// unequal lengths or other values.
paired_counts count_pairs(std::span<const double> first, std::span<const double> second);

// The exact two-sided p of the hypothesis that lost and gained are equally likely (a binomial test). 1 if both are 0.
double mcnemar_exact(int64_t lost, int64_t gained);
// The same, but the observed pair (lost, gained) counts with half its probability ("mid-p"), so p is smaller. The exact
// test claims a difference less often than alpha allows; this one comes nearer to alpha.
double mcnemar_mid_p(int64_t lost, int64_t gained);

// (gained - lost) / n with Tango's score interval (Stat. Med. 17:891, 1998), which also works if lost or gained is 0.
// Throws error(usage) if n < 1, if lost or gained is negative, or if lost + gained > n.
interval tango(int64_t lost, int64_t gained, int64_t n, double level = 0.95);

// The share of items that changed between right and wrong, with its Wilson interval.
interval flips(const paired_counts &counts, double level = 0.95);

}  // namespace assay::stats
