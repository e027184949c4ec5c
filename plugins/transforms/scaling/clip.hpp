// Declares the clip search of awq. For each group of weights (neighbours in a row that share a grid) it
// finds limits within which the grid is fitted. So a few large weights do not make the grid coarse for
// the rest of the group. The search runs after scaling.
#pragma once

#include <vector>

#include "assay.hpp"
#include "grid.hpp"

namespace scaling {

enum class clip_form { off, symmetric, asymmetric };

struct clip_search {
  clip_form form = clip_form::off;
  int64_t steps = 10;        // ranges tried: 1 - most_shrink * i / steps for i = 0 .. steps - 1
  double most_shrink = 0.5;  // the share that is cut off stays below this
};

struct clip_result {
  std::vector<float> low, high;  // the limits, [rows, groups]
  int64_t groups = 0;
  uint64_t clipped = 0;                // groups whose range became smaller
  double loss = 0, identity_loss = 0;  // with and without limits, over all groups
};

// hessian: [in, in], H = sum x x^T of the linear's input after scaling. The loss of a group is the error
// that it adds to an output, d^T H_gg d, where d is the rounded minus the float weight and H_gg is the
// group's part of H. This loss is exact; llm-awq estimates it from up to 512 tokens.
clip_result search_clip(const assay_cpp::host &host, const assay_linear &linear,
                        const std::vector<float> &hessian, const plain_grid &grid,
                        const clip_search &how);

}  // namespace scaling
