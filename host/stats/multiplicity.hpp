// Many comparisons at once: adjusted p values. Holm for claims, Benjamini-Hochberg for exploration.
// Not a choice of the family: the study declares it before it runs.
#pragma once

#include <span>
#include <vector>

namespace assay::stats {

// Adjusted p in the order given; a claim holds at alpha if its adjusted p <= alpha.
std::vector<double> holm(std::span<const double> p);                // family-wise error, Holm 1979
std::vector<double> benjamini_hochberg(std::span<const double> p);  // false discovery rate, 1995

}  // namespace assay::stats
