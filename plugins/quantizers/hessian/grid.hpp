// Integer grids: chooses the scale and zero point of a group of weights (neighbours in a row that
// share a scale), from their range or by a search. It rounds no weights; each method does that.
// plugins/METHODS.md has the formulas.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>

namespace hessian {

using assay_grid::scale_dtype;

enum class grid_search {
  minmax,    // the range of the group alone, no search
  mse,       // the candidate with the least sum of (w - w^)^2
  weighted,  // the least sum of m (w - w^)^2, where m_j is the mean square of input j
};

struct grid_options : assay_grid::code_range {
  int64_t group_size = -1;  // columns; -1 = the whole row; the last group may be short
  grid_search search = grid_search::minmax;
  // The range of the search, as factors on the scale of the full range. If scale_from is 0, the range
  // begins at the default of least_factor().
  double scale_from = 1, scale_to = 1;
  scale_dtype stored = scale_dtype::float32;  // dtype in which scales are stored

  // Whether later columns make up for the error of earlier ones, as in GPTQ.
  bool has_feedback = true;

  // Small factors clip large weights. Measured (reports/measurements/methods.md): without feedback they
  // raise perplexity at 4 bits and lower it at 3; with the feedback of GPTQ they lower it at 4 bits.
  double least_factor() const {
    if (scale_from > 0) return scale_from;
    return has_feedback || bits < 4 ? 0.6 : 0.9;
  }
  // The number of columns in a group, and of groups in a row, if a row has `in` columns.
  int64_t group(int64_t in) const { return assay_grid::group_cut(group_size, in).size; }
  int64_t groups(int64_t in) const { return assay_grid::group_cut(group_size, in).count; }
};

// A weight is w^ = scale * (code - zero). The scale is already rounded to its stored dtype.
struct group_grid {
  float scale = 1.0f, zero = 0.0f;
  bool clamped = false;  // the stored dtype cannot hold the ideal scale
};

// Returns the grid of one group. w: its n > 0 weights, `stride` floats apart. m: n importances >= 0,
// or null if all weights count the same; only `weighted` reads them.
group_grid fit_group(const float *w, int64_t stride, const float *m, int64_t n,
                     const grid_options &options);

// Returns the code of one weight, rounded half to even and clamped to [low, high]. All code that makes
// final codes divides by the scale like this, so that equal weights get equal codes. Only the search
// in grid.cpp multiplies by the inverse.
inline float code_of(float w, const group_grid &grid, float low, float high) {
  // The zero is added after rounding, because a larger sum would lose bits of the fraction.
  const float x = w / grid.scale, least = low - grid.zero, most = high - grid.zero;
  return assay_grid::round_even(x < least ? least : x > most ? most : x) + grid.zero;
}

}  // namespace hessian
