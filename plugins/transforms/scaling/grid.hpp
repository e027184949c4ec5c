// The plain integer grids that searches try: full-range symmetric, and asymmetric with zero inside.
// Not the recipe's quantizer: searches need thousands of roundings, and these are what most of them do without a search.
#pragma once

#include <cstdint>

#include "assay.hpp"

namespace scaling {

struct plain_grid {
  int bits = 4;
  int64_t group_size = 64;  // columns; 0 = the whole row
  bool symmetric = true;
  int64_t group(int64_t in) const { return group_size > 0 && group_size < in ? group_size : in; }
};

// Of the recipe's quantizer, as its configuration says it; 4 bits in groups of 64 where there is none.
plain_grid grid_of(const assay_block &block);

// Rounds n weights on the plain grid of their range, in place.
void round_group(float *w, int64_t n, const plain_grid &grid);

}  // namespace scaling
