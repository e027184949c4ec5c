// Adjusts the p values of many comparisons at once, because one of them is often small by chance. Holm is for claims,
// Benjamini-Hochberg for exploration. The study declares before it runs which comparisons belong together.
#pragma once

#include <span>
#include <vector>

namespace assay::stats {

// Both return the adjusted p values in the order given; a claim holds at alpha if its adjusted p <= alpha. Both throw error(usage)
// for a p outside [0, 1]. Holm (1979) bounds the probability of any false claim, Benjamini-Hochberg (1995) the share of false claims.
std::vector<double> holm(std::span<const double> p);
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace assay::stats
