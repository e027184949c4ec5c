// Adjusts the p values of many comparisons: among many p values one is often small by chance alone. Use Holm for
// claims, and Benjamini-Hochberg for exploration. The study declares before it runs which comparisons belong together.
#pragma once

#include <span>
#include <vector>

namespace assay::stats {

// Both return the adjusted p values in the order given; a claim holds at alpha if its adjusted p <= alpha. Both throw
// error(usage) for a p outside [0, 1]. With Holm (1979) the probability of one or more false claims is at most alpha.
// With Benjamini-Hochberg (1995) the expected share of false claims among all claims is at most alpha.
std::vector<double> holm(std::span<const double> p);
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace assay::stats
