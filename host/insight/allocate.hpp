// Bit allocation: one choice for each unit so that the sum of damages is small and the sum of costs
// stays within a budget. Knows no model: units are numbers with names.
#pragma once

#include <string>
#include <vector>

namespace assay::quant {

struct allocation_choice {
  std::string label;  // "4"
  double bits = 0;    // of the whole unit, scales included
  double damage = 0;  // predicted, nats
};

struct allocation_unit {
  std::string name;
  std::vector<allocation_choice> choices;  // at least one
};

struct allocation {
  std::vector<size_t> chosen;  // index of a choice, for each unit
  double bits = 0, damage = 0;
  double bound = 0;  // no allocation within the budget has less damage than this
};

// Steps along each unit's lower convex hull, steepest first (the Lagrangian solution), then the best
// single steps that still fit. Damage is assumed to add up. Ties go to the earlier unit. Throws
// error(usage) when even the cheapest choices exceed the budget, with the least budget that does not.
allocation allocate(const std::vector<allocation_unit> &units, double budget_bits);

}  // namespace assay::quant
