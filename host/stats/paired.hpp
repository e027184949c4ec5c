// Two variants on the same items, right or wrong: exact McNemar test, Tango's interval of the
// difference, flips. Not for graded scores (bootstrap.hpp) and never for runs on different items.
#pragma once

#include <cstdint>
#include <span>

#include "stats/interval.hpp"

namespace assay::stats {

// How n items fall: both right, lost (only the first right), gained (only the second
// right), both wrong.
struct paired_counts {
  int64_t both = 0, lost = 0, gained = 0, neither = 0;
  int64_t items() const { return both + lost + gained + neither; }
};

// first, second: 1 = right, 0 = wrong, item by item. Throws error(usage) for unequal lengths
// or other values.
paired_counts count_pairs(std::span<const double> first, std::span<const double> second);

// Two-sided exact p: a binomial test that lost and gained are equally likely. 1 if there is
// no discordant item.
double mcnemar_exact(int64_t lost, int64_t gained);
double mcnemar_mid_p(int64_t lost,
                     int64_t gained);  // less conservative: half the weight of the observed split

// (gained - lost) / n with Tango's score interval (Stat. Med. 17:891, 1998), defined for
// empty cells too.
interval tango(int64_t lost, int64_t gained, int64_t n, double level = 0.95);

// Share of items whose correctness changed, with its Wilson interval.
interval flips(const paired_counts &counts, double level = 0.95);

}  // namespace assay::stats
