// The plain integer grids on which searches round: symmetric over the full range, and asymmetric with
// zero on the grid. A search rounds on them in place of the recipe's quantizer, because it rounds
// thousands of times. Most integer quantizers use these grids when they do not search.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>

namespace scaling {

struct plain_grid : assay_grid::code_range {
  int64_t group_size = -1;  // columns; -1 = the whole row
  int64_t group(int64_t in) const { return assay_grid::group_cut(group_size, in).size; }
};

// Returns the grid that the configuration of the recipe's quantizer names. What the configuration does
// not say, and everything if the recipe has no quantizer, is: 4 bits, symmetric, groups of 64.
plain_grid grid_of(const assay_block &block);

// Rounds n weights in place, as one group, on the grid that covers their range.
void round_group(float *w, int64_t n, const plain_grid &grid);

}  // namespace scaling
