// The clip search of awq: limits of each group of weights within which its grid is fitted, so that
// the few largest do not coarsen the rest. After scaling; q and k are left alone, as in llm-awq.
#pragma once

#include <vector>

#include "assay.hpp"
#include "grid.hpp"

namespace scaling {

enum class clip_form { off, symmetric, asymmetric };

struct clip_search {
  clip_form form = clip_form::off;
  int64_t steps = 10;        // ranges tried: 1, 1 - share / steps ..
  double most_shrink = 0.5;  // share of the range that may be cut
};

struct clip_result {
  std::vector<float> low, high;  // [rows, groups]
  int64_t groups = 0;
  uint64_t clipped = 0;  // groups whose range became smaller
  double loss = 0, identity_loss = 0;
};

// hessian: of the linear's input as the weight reads it, [in, in]. The loss is the exact error of
// the group's partial sums, d^T H_gg d, which llm-awq samples on up to 512 tokens.
clip_result search_clip(const assay_cpp::host &host, const assay_linear &linear,
                        const std::vector<float> &hessian, const plain_grid &grid,
                        const clip_search &how);

}  // namespace scaling
