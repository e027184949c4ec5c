// Integer grids: which scale and zero point a group of weights gets, by its range or by a search.
// Each method rounds its weights itself. plugins/METHODS.md has the formulas.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>

namespace hessian {

using assay_grid::scale_dtype;

enum class grid_search {
  minmax,    // the range of the group: full-range symmetric, or asymmetric with zero inside
  mse,       // least sum (w - w^)^2 over candidates, scale refitted
  weighted,  // least sum m (w - w^)^2, m_j = E[x_j^2]: the diagonal of the Hessian
};

struct grid_options : assay_grid::code_range {
  int64_t group_size = -1;  // columns; -1 = the whole row; the last group may be short
  grid_search search = grid_search::minmax;
  scale_dtype stored = scale_dtype::float32;

  int64_t group(int64_t in) const { return assay_grid::group_cut(group_size, in).size; }
  int64_t groups(int64_t in) const { return assay_grid::group_cut(group_size, in).count; }
};

// w^ = scale * (code - zero). The scale is one of its stored dtype.
struct group_grid {
  float scale = 1.0f, zero = 0.0f;
  bool clamped = false;  // as assay_grid::stored_scale says
};

// w: n weights of one row, `stride` floats apart. m: n importances >= 0, or null for 1.
group_grid fit_group(const float *w, int64_t stride, const float *m, int64_t n,
                     const grid_options &options);

// The code of one weight: round half to even, clamped. Everything that rounds uses this division.
inline float code_of(float w, const group_grid &grid, float low, float high) {
  // Rounded before the zero is added, because the sum would lose bits of the fraction.
  const float x = w / grid.scale, least = low - grid.zero, most = high - grid.zero;
  return assay_grid::round_even(x < least ? least : x > most ? most : x) + grid.zero;
}

}  // namespace hessian
