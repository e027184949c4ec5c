// Allocates bits greedily, by steps along lower convex hulls. The lower bound is the damage in an
// easier problem, in which a fraction of the last step may be taken (Shoham and Gersho, "Efficient
// bit allocation for an arbitrary set of quantizers", IEEE Trans. ASSP 36(9), 1988).
#include "insight/allocate.hpp"

#include <algorithm>
#include <cstdio>

#include "core/error.hpp"

namespace assay::quant {
namespace {

// Returns the choices on the lower convex hull, in order of rising bits. Each step along the hull
// saves less damage for a bit than the step before.
std::vector<size_t> hull_of(const allocation_unit &unit) {
  const auto &c = unit.choices;
  std::vector<size_t> order(c.size());
  for (size_t i = 0; i < c.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return c[a].bits != c[b].bits ? c[a].bits < c[b].bits : c[a].damage < c[b].damage;
  });
  const auto slope = [&](size_t a, size_t b) {  // damage saved for each bit from a to b
    return (c[a].damage - c[b].damage) / (c[b].bits - c[a].bits);
  };
  std::vector<size_t> hull;
  for (const size_t i : order) {
    if (!hull.empty() && (c[i].damage >= c[hull.back()].damage || c[i].bits <= c[hull.back()].bits))
      continue;
    while (hull.size() > 1 && slope(hull.back(), i) >= slope(hull[hull.size() - 2], hull.back()))
      hull.pop_back();
    hull.push_back(i);
  }
  return hull;
}

struct hull_step {
  size_t unit, place;  // from hull[place] to hull[place + 1]
  double bits, saved;
  double rate() const { return saved / bits; }
};

std::vector<hull_step> steps_of(const std::vector<allocation_unit> &units,
                                const std::vector<std::vector<size_t>> &hulls) {
  std::vector<hull_step> steps;
  for (size_t u = 0; u < units.size(); ++u)
    for (size_t i = 0; i + 1 < hulls[u].size(); ++i) {
      const auto &from = units[u].choices[hulls[u][i]], &to = units[u].choices[hulls[u][i + 1]];
      steps.push_back({u, i, to.bits - from.bits, from.damage - to.damage});
    }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto &a, const auto &b) { return a.rate() > b.rate(); });
  return steps;
}

void refuse_small_budget(double least, double budget) {
  if (least <= budget) return;
  char text[160];
  std::snprintf(text, sizeof text, "the cheapest choices take %.0f bits, the budget is %.0f", least,
                budget);
  throw error(error_kind::usage, text).at("allocate").hint("Raise the target or offer fewer bits");
}

}  // namespace

allocation allocate(const std::vector<allocation_unit> &units, double budget_bits) {
  allocation out;
  std::vector<std::vector<size_t>> hulls;
  for (const auto &unit : units) {
    if (unit.choices.empty())
      throw error(error_kind::usage, "the unit '" + unit.name + "' has no choice").at("allocate");
    hulls.push_back(hull_of(unit));
    const auto &first = unit.choices[hulls.back().front()];
    out.chosen.push_back(hulls.back().front());
    out.bits += first.bits;
    out.damage += first.damage;
  }
  refuse_small_budget(out.bits, budget_bits);
  out.bound = out.damage;
  std::vector<size_t> place(units.size(), 0);
  double relaxed = budget_bits - out.bits;  // bits that the easier problem has left
  for (const auto &step : steps_of(units, hulls)) {
    const double part = std::clamp(relaxed / step.bits, 0.0, 1.0);
    out.bound -= part * step.saved;
    relaxed -= part * step.bits;
    // A unit takes the steps of its hull in order. If a step does not fit, this unit takes no
    // further steps, but other units may.
    if (place[step.unit] != step.place || out.bits + step.bits > budget_bits) continue;
    ++place[step.unit];
    out.chosen[step.unit] = hulls[step.unit][place[step.unit]];
    out.bits += step.bits;
    out.damage -= step.saved;
  }
  return out;
}

}  // namespace assay::quant
