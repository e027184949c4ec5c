// The learned parameters of one linear: an offset V for every weight, and a factor on each end of
// every group's range; the weight that they stand for, and one step of SignSGD. autoround.cpp has
// the loop over batches.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>
#include <vector>

namespace signround {

struct grid : assay_grid::code_range {
  int64_t group_size = -1;  // columns; -1 = the whole row; the last group may be short
  assay_grid::scale_dtype stored = assay_grid::scale_dtype::float32;
  bool searched = false;  // symmetric grids start from the scale of least weighted error

  assay_grid::group_cut cut(int64_t in) const { return {group_size, in}; }
};

// w~ = s (clip(round(w / s + z + V), 0, 2^b - 1) - z), s and z from alpha and beta times the ends
// of the group's range (Cheng et al., arXiv 2309.05516). The start, V = 0 and alpha = beta = 1, is
// round to nearest.
class parameters {
 public:
  // importance: [in] mean x^2, or null; read when the start is searched.
  parameters(const grid &g, const float *w, const float *importance, int64_t out, int64_t in);

  // The weight at the present parameters, into to [out, in]; rows [begin, end).
  void weight(float *to, int64_t begin, int64_t end);
  // Moves by `rate` against the sign of the gradient; slope: d loss / d w~, [out, in].
  void step(const float *slope, float rate, float range_rate, int64_t begin, int64_t end);
  void remember() { kept_ = now_; }
  void recall() { now_ = kept_; }

  // The form at the present parameters, rows [begin, end); returns how many scales were clamped.
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
    bool clamped;             // as assay_grid::stored_scale says
  };
  group_grid grid_of(const state &at, int64_t row, int64_t g) const;
  assay_grid::stored_scale searched_scale(const float *w, const float *m, int64_t n,
                                          assay_grid::weight_range range) const;

  const grid g_;
  const float *w_;  // borrow
  int64_t out_, in_, groups_, size_;
  std::vector<float> low_, high_;  // [out, groups]: ends of the range; high_ = scale where searched
  std::vector<uint8_t> clamped_;   // [out, groups]: the searched scale was clamped
  state now_, kept_;
};

}  // namespace signround
