// Integer grids: which scale and zero a group of weights gets, by range or by search.
// Not the rounding of weights to it (each method's own). README.md has the formulas.
#pragma once

#include <cstdint>
#include <string>

#include "rounding.hpp"

namespace hessian {

enum class grid_search {
  minmax,    // the range of the group: full-range symmetric, or zero-including asymmetric
  mse,       // least sum (w - w^)^2 over candidates, scale refitted
  weighted,  // least sum m (w - w^)^2, m_j = E[x_j^2]: the diagonal of the Hessian
};

struct grid_options {
  int bits = 4;
  bool symmetric = true;
  int64_t group_size = 64;  // columns; 0 = a whole row; the last group may be short
  grid_search search = grid_search::weighted;
  scale_dtype stored = scale_dtype::float16;

  float low() const { return symmetric ? -static_cast<float>(1 << (bits - 1)) : 0.0f; }
  float high() const {
    return static_cast<float>(symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1);
  }
  int64_t group(int64_t in) const { return group_size > 0 && group_size < in ? group_size : in; }
  int64_t groups(int64_t in) const { return (in + group(in) - 1) / group(in); }
};

// w^ = scale * (code - zero), scale already rounded to its stored dtype.
struct group_grid {
  float scale = 1.0f, zero = 0.0f;
  bool clamped = false;  // the scale would have been below the smallest normal of its dtype
  bool overflowed =
      false;  // the scale of the range is beyond its dtype: there is no grid for these weights
};

// w: n weights of one row, `stride` floats apart. m: n importances >= 0, or null for 1.
group_grid fit_group(const float *w, int64_t stride, const float *m, int64_t n,
                     const grid_options &options);

// The code of one weight: round half to even, clamped. Everything that rounds uses this division.
inline float code_of(float w, const group_grid &grid, float low, float high) {
  constexpr float k_push = 12582912.0f;  // 1.5 * 2^23: pushes the fraction out of the mantissa
  // Rounded before the zero is added: the sum would lose bits of the fraction.
  const float x = w / grid.scale, least = low - grid.zero, most = high - grid.zero;
  return (((x < least ? least : x > most ? most : x) + k_push) - k_push) + grid.zero;
}

}  // namespace hessian
