// The learned parameters of one linear (a weight matrix): an offset V for every weight, and factors
// alpha and beta on the two ends of every group's range. This file turns them into weights and makes
// one step of SignSGD, gradient descent by signs alone. autoround.cpp has the loop over batches.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>
#include <vector>

namespace signround {

struct grid : assay_grid::code_range {
  int64_t group_size = -1;  // columns; -1 = the whole row; the last group may be short
  assay_grid::scale_dtype stored = assay_grid::scale_dtype::float32;
  bool searched = false;  // symmetric grids start from the scale with the least weighted error

  assay_grid::group_cut cut(int64_t in) const { return {group_size, in}; }
};

// The weight is w~ = s (clip(round(w / s + z + V), 0, 2^b - 1) - z). Scale s and zero point z come
// from the range [beta low, alpha high] of the group (Cheng et al., arXiv 2309.05516). With
// grid.searched, s is alpha times the searched scale instead. At the start V = 0 and
// alpha = beta = 1, which is round to nearest. Symmetric grids have z = 0 and signed codes.
class parameters {
 public:
  // w: [out, in], must outlive this object. importance: [in] mean x^2 of the inputs, or null for 1;
  // used when the start is searched.
  parameters(const grid &g, const float *w, const float *importance, int64_t out, int64_t in);

  // Writes w~ for rows [begin, end) into `to`, which is the whole matrix [out, in].
  void weight(float *to, int64_t begin, int64_t end);
  // Moves V by `rate`, alpha and beta by `range_rate`, against the signs of their gradients. slope:
  // d loss / d w~, [out, in].
  void step(const float *slope, float rate, float range_rate, int64_t begin, int64_t end);
  void remember() { kept_ = now_; }  // keeps the present parameters
  void recall() { now_ = kept_; }    // goes back to the kept ones

  // Writes codes, scales and zeros (null for symmetric grids) of rows [begin, end). Returns how many
  // scales their dtype could not hold.
  uint64_t encode(uint8_t *codes, void *scales, uint8_t *zeros, int64_t begin, int64_t end) const;
  int64_t out() const { return out_; }
  int64_t in() const { return in_; }

 private:
  struct state {
    std::vector<float> offset;       // V, [out, in], in [-1/2, 1/2]
    std::vector<float> alpha, beta;  // [out, groups], factors on the upper and the lower end
  };
  struct group_grid {
    float scale, zero;
    float by_alpha, by_beta;  // d scale / d alpha, d scale / d beta
    bool clamped;             // the stored dtype cannot hold the ideal scale
  };
  group_grid grid_of(const state &at, int64_t row, int64_t g) const;
  assay_grid::stored_scale searched_scale(const float *w, const float *m, int64_t n,
                                          assay_grid::weight_range range) const;

  const grid g_;
  const float *w_;  // [out, in], not owned
  int64_t out_, in_, groups_, size_;
  // [out, groups]: the ends of the range. With a searched start high_ holds the scale instead.
  std::vector<float> low_, high_;
  std::vector<uint8_t> clamped_;  // [out, groups]: the searched scale was clamped
  state now_, kept_;
};

}  // namespace signround
