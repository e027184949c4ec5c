// Allocates bits: picks one choice of bits for each unit (a part of a model). The sum of bits stays
// within a budget, and the sum of damages (predicted divergences) becomes small. It works on numbers
// alone and needs no model.
#pragma once

#include <string>
#include <vector>

namespace assay::quant {

struct allocation_choice {
  std::string label;  // "4"
  double bits = 0;    // of the whole unit, scales included
  double damage = 0;  // predicted divergence from the float model, nats
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

// Starts with the cheapest choice of each unit. Then it takes steps to more bits, the steps that save most damage for a
// bit first, and passes over steps that no longer fit. The steps of a unit lead along the lower convex hull of its
// choices: a choice, seen as a point (bits, damage), is left out if it lies above a line between two others. Damages
// are assumed to add up. Ties go to the earlier unit. Throws error(usage) if a unit has no choice, or if even the
// cheapest choices exceed the budget; the error then says how many bits these take.
allocation allocate(const std::vector<allocation_unit> &units, double budget_bits);

}  // namespace assay::quant
