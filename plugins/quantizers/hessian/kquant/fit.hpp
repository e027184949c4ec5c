// Fits one block to its weights: factors, steps and codes. Both functions only need the block's
// own columns of one row.
#pragma once

#include "block_type.hpp"

namespace hessian {

// As llama-quantize does without an importance matrix, bit for bit (reference.cpp). w: [type.columns].
void fit_as_reference(const block_type &type, const float *w, block &out);

// The range of the search: factors on the scale of a group's full range.
struct scale_range {
  float from = 0.9f, to = 1.15f;
};

// Searches the block with a small sum of m (w - w^)^2; it is never larger than that of
// fit_as_reference (search.cpp). w, m >= 0: [type.columns].
void fit_by_importance(const block_type &type, const scale_range &range, const float *w,
                       const float *m, block &out);
// Chooses the steps of one group again, for weights that have changed; the factors of the block
// stay. w, m: [type.group], of the group. Does nothing for types without steps.
void fit_steps(const block_type &type, const scale_range &range, int group, const float *w,
               const float *m, block &out);

// Writes for each of n weights, a multiple of 16, the fixed value nearest to inverse * w.
void fixed_values(const block_type &type, const float *w, int n, float inverse, float *values);

// Sum of m (w - w^)^2 over the block.
double weighted_error(const block_type &type, const float *w, const float *m, const block &of);

}  // namespace hessian
