// Reads bits, group size and symmetry from a quantizer's configuration, and rounds on such a grid.
// Unlike in the quantizers, the scale is not rounded to the dtype in which it is stored.
#include "grid.hpp"

#include <assay_json.hpp>

namespace scaling {

plain_grid grid_of(const assay_block &block) {
  plain_grid grid;
  grid.bits = 4;
  grid.group_size = 64;
  if (!block.quantizer_json) return grid;
  const auto quantizer = assay_json::parse(block.quantizer_json);
  if (const auto *config = quantizer.find("config")) {
    grid.bits = static_cast<int>(config->number_or("bits", grid.bits));
    grid.group_size =
        static_cast<int64_t>(config->number_or("group_size", static_cast<double>(grid.group_size)));
    grid.symmetric = config->bool_or("symmetric", grid.symmetric);
  }
  return grid;
}

void round_group(float *w, int64_t n, const plain_grid &grid) {
  const auto range = assay_grid::range_of(w, n).with_zero();
  if (range.all_zero()) return;
  float scale, zero = 0;
  if (grid.symmetric) {
    scale = assay_grid::symmetric_scale(range.low, range.high, grid.bits);
  } else {
    scale = assay_grid::asymmetric_scale(range.low, range.high, grid.bits);
    zero = assay_grid::zero_point(range.low, scale, grid.bits);
  }
  const float least = grid.low() - zero, most = grid.high() - zero;
  for (int64_t j = 0; j < n; ++j) {
    const float x = w[j] / scale, raised = x < least ? least : x;
    w[j] = assay_grid::round_even(raised > most ? most : raised) * scale;
  }
}

}  // namespace scaling
