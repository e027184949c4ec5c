// The learned parameters of one linear: an offset V for every weight, a factor on each end of every
// group's range; the weight that they stand for, and one step of SignSGD. Not the loop over batches
// (autoround.cpp) and no loss.
#pragma once

#include <assay.hpp>
#include <cstdint>
#include <vector>

namespace signround {

enum class scale_dtype { float16, bfloat16, float32 };

struct grid {
  int bits = 4;
  bool symmetric = true;
  int64_t group_size = 64;  // columns; 0 = a whole row; the last group may be short
  scale_dtype stored = scale_dtype::float16;
  bool searched = true;  // symmetric: start from the scale of least weighted error, not the range's

  float low() const { return symmetric ? -static_cast<float>(1 << (bits - 1)) : 0.0f; }
  float high() const {
    return static_cast<float>(symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1);
  }
  int64_t group(int64_t in) const { return group_size > 0 && group_size < in ? group_size : in; }
  int64_t groups(int64_t in) const { return (in + group(in) - 1) / group(in); }
};

// w~ = s (clip(round(w / s + z + V), 0, 2^b - 1) - z), s and z from alpha and beta times the ends
// of the group's range (Cheng et al., arXiv 2309.05516). The start, V = 0 and alpha = beta = 1, is
// round to nearest.
class parameters {
 public:
  // importance: [in] mean x^2, or null; read when the start is searched.
  // Throws ASSAY_NUMERICAL where the scale of a group's range does not fit the stored dtype.
  parameters(const grid &g, const float *w, const float *importance, int64_t out, int64_t in);

  // The weight at the present parameters, into to [out, in]; rows [begin, end).
  void weight(float *to, int64_t begin, int64_t end);
  // Moves by `rate` against the sign of the gradient; slope: d loss / d w~, [out, in].
  void step(const float *slope, float rate, float range_rate, int64_t begin, int64_t end);
  void remember() { kept_ = now_; }
  void recall() { now_ = kept_; }

  // The form at the present parameters.
  // Returns how many scales of the rows were raised to the smallest normal number of their dtype.
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
    bool raised = false;      // the scale would have been below the smallest normal of its dtype
  };
  group_grid grid_of(const state &at, int64_t row, int64_t g) const;
  float searched_scale(const float *w, const float *m, int64_t n) const;

  const grid g_;
  const float *w_;  // borrow
  int64_t out_, in_, groups_, size_;
  std::vector<float> low_, high_;  // [out, groups]: ends of the range; high_ = scale where searched
  std::vector<char> small_;        // [out, groups]: the range's scale is below the smallest normal
  state now_, kept_;
};

// The scale rounds to no finite number of the dtype.
bool overflows(scale_dtype dtype, float scale);
bool is_too_small(scale_dtype dtype, float scale);  // below the smallest normal number of the dtype
// Rounds to the stored dtype (half to even), no nearer to zero than its smallest normal number.
float stored_scale(scale_dtype dtype, float scale);
float load_scale(const assay_tensor &scales, int64_t i);
assay_dtype dtype_of(scale_dtype dtype);

}  // namespace signround
