// Adjusts p values for many comparisons. Holm goes from the smallest p upwards, Benjamini-Hochberg
// from the largest downwards.
#include "stats/multiplicity.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "core/error.hpp"

namespace assay::stats {
namespace {

std::vector<size_t> ascending(std::span<const double> p) {
  for (const double value : p)
    if (!(value >= 0.0 && value <= 1.0))
      throw error(error_kind::usage,
                  "a p value lies between 0 and 1, not " + std::to_string(value));
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

std::vector<double> holm(std::span<const double> p) {
  const std::vector<size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double running = 0.0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    running = std::max(running, static_cast<double>(order.size() - rank) * p[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, running);
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  const std::vector<size_t> order = ascending(p);
  const double n = static_cast<double>(p.size());
  std::vector<double> adjusted(p.size());
  double running = 1.0;
  for (size_t rank = order.size(); rank-- > 0;) {
    running = std::min(running, p[order[rank]] * n / static_cast<double>(rank + 1));
    adjusted[order[rank]] = running;
  }
  return adjusted;
}

}  // namespace assay::stats
