// Error feedback: columns are rounded one after another, and the error of each is carried over to
// the columns that are not yet rounded (Frantar et al., arXiv 2210.17323, algorithm 1). The caller
// (gptq, salient, adaround) decides which columns, in which order, on which grids.
#pragma once

#include <memory>
#include <vector>

#include "common.hpp"
#include "factor.hpp"

namespace hessian {

// One linear. Matrices have their columns in the order of work, unless said otherwise.
struct feedback {
  explicit feedback(assay_cpp::host services) : host(services) {}

  assay_cpp::host host;
  int64_t out = 0, in = 0;
  std::vector<float> w;                    // [out, in]; errors are carried over into it
  std::shared_ptr<const factored> factor;  // of the inverse Hessian, upper triangular
  const std::vector<float> &u() const { return factor->u; }  // [in, in]
  std::vector<float> p;           // [in, in] or empty: strictly upper, gptaq's second term
  std::vector<float> importance;  // [in] diag H
  std::vector<int64_t> order;     // position -> column
  std::vector<int16_t> codes;     // [out, in] in the model's order
  std::vector<double> row_loss;   // [out] sum of e^2 / 2
  // [out, in] in the model's order: each weight just before it was rounded. Empty: not recorded.
  std::vector<float> compensated;
};

// Positions [begin, end) on one kind of grid.
struct feedback_range {
  int64_t begin = 0, end = 0;
  grid_options grid;
  int64_t block_size = 1;          // columns between two products over the rest
  std::vector<int32_t> group;      // of each position from begin on
  int64_t n_groups = 1;            // columns of grids
  std::vector<group_grid> *grids;  // [out, n_groups]; borrow
  bool fresh = false;              // fit a group's grids when its first column is reached
};

// Rounds the range; columns after it are compensated. Throws failure, also when cancelled.
void feed_back(feedback &problem, const feedback_range &range);

// What a Hessian method starts from: a copy of the weight with dead columns cleared, and
// the host's Hessian.
struct hessian_input {
  int64_t out = 0, in = 0;
  std::vector<float> w;         // [out, in]
  const float *h = nullptr;     // [in, in]; borrow; dead columns are 0 on its diagonal
  std::vector<float> diagonal;  // [in] of h; 1 for dead columns
  bool shared = false;          // other linears have the same input
  uint64_t dead = 0;            // columns that were zero on every token; counted in the ledger
};
hessian_input read_input(assay_cpp::host host, const assay_linear *linear,
                         const assay_stats *stats);

// Columns by falling diag H (descending) or as they are.
std::vector<int64_t> column_order(const std::vector<float> &diagonal, bool descending);
// A problem without its factor. w: the weight to work on, usually moved out of the input.
feedback begin_feedback(assay_cpp::host host, const hessian_input &input, std::vector<float> w,
                        std::vector<int64_t> order);
void factor(feedback &problem, const hessian_input &input, double damping);
// The permuted matrix m[order, order], [n, n].
std::vector<float> permuted(assay_cpp::host host, const float *m, int64_t n,
                            const std::vector<int64_t> &order);

}  // namespace hessian
