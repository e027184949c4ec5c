// The plain integer grids that searches try: full-range symmetric, and asymmetric with zero inside.
// They stand in for the recipe's quantizer, because a search needs thousands of roundings, and most
// quantizers use these grids where they do not search.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>

namespace scaling {

struct plain_grid : assay_grid::code_range {
  int64_t group_size = -1;  // columns; -1 = the whole row
  int64_t group(int64_t in) const { return assay_grid::group_cut(group_size, in).size; }
};

// The grid that the configuration of the recipe's quantizer names. What it leaves open (a quantizer
// without such keys, or none) is 4 bits, symmetric, groups of 64.
plain_grid grid_of(const assay_block &block);

// Rounds n weights on the plain grid of their range, in place.
void round_group(float *w, int64_t n, const plain_grid &grid);

}  // namespace scaling
