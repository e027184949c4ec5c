// Error feedback: columns of a weight are rounded one after another. The columns that are not yet
// rounded change so that they make up for the error (Frantar et al., arXiv 2210.17323, algorithm 1).
// The caller (gptq, salient or adaround) chooses the columns to round, their order and their grids.
#pragma once

#include <memory>
#include <vector>

#include "common.hpp"
#include "factor.hpp"

namespace hessian {

// The work on one linear. A *position* is the number of a column in the order of rounding, from 0. The
// columns of matrices are in this order, unless a comment says otherwise.
struct feedback {
  explicit feedback(assay_cpp::host services) : host(services) {}

  assay_cpp::host host;
  int64_t out = 0, in = 0;
  std::vector<float> w;                    // [out, in]; changes as errors are subtracted
  std::shared_ptr<const factored> factor;  // U of the inverse Hessian, upper triangular
  const std::vector<float> &u() const { return factor->u; }  // [in, in]
  std::vector<float> p;           // [in, in] P of gptaq, 0 on and below the diagonal; else empty
  std::vector<float> importance;  // [in] diag H, for the fit of grids
  std::vector<int64_t> order;     // position -> column
  std::vector<int16_t> codes;     // [out, in] in the model's order
  std::vector<double> row_loss;   // [out] sum of e^2 / 2 with e = (w - w^) / U_ii
  // [out, in] in the model's order: each weight just before it was rounded. Empty: not recorded.
  std::vector<float> compensated;
};

// The columns at positions [begin, end), whose grids have the same options.
struct feedback_range {
  int64_t begin = 0, end = 0;
  grid_options grid;
  int64_t block_size = 1;          // columns of a block (feedback.cpp)
  std::vector<int32_t> group;      // the group of each position from `begin` on
  int64_t n_groups = 1;            // groups in a row
  std::vector<group_grid> *grids;  // [out, n_groups]; not owned
  bool fresh = false;              // true: a group's grids are fitted when its first column comes
};

// Rounds the columns of the range and subtracts their errors from all columns after it. Throws
// failure if a matrix product of the host fails or the user cancels.
void feed_back(feedback &problem, const feedback_range &range);
// Subtracts the errors E of the n columns from position `first` on from all columns W after them:
// W -= E U - V P, where V are the values, the weights just before they were rounded. errors: [out, n];
// values: alike, read only for gptaq.
void subtract_errors(feedback &problem, int64_t first, int64_t n, std::vector<float> &errors,
                     std::vector<float> &values);

// What a method starts from: a copy of the weight and the host's Hessian. A column is dead if its
// input was 0 on every token; its weights are 0 in the copy.
struct hessian_input {
  int64_t out = 0, in = 0;
  std::vector<float> w;         // [out, in]
  const float *h = nullptr;     // [in, in]; not owned; 0 on the diagonal for dead columns
  std::vector<float> diagonal;  // [in] of h, but 1 for dead columns
  bool shared = false;          // other linears have the same input
  uint64_t dead = 0;            // dead columns; the ledger counts them
};
// Throws failure if a statistic is missing or the diagonal is not finite.
hessian_input read_input(assay_cpp::host host, const assay_linear *linear,
                         const assay_stats *stats);

// Returns the columns in the order of work: by falling diag H if `descending` is true, else in the model's order.
std::vector<int64_t> column_order(const std::vector<float> &diagonal, bool descending);
// Returns a problem without its factor. w: the weight to work on, moved out of `input` or a copy.
feedback begin_feedback(assay_cpp::host host, const hessian_input &input, std::vector<float> w,
                        std::vector<int64_t> order);
// Computes problem.factor. damping: a share of mean(diag H).
void factor(feedback &problem, const hessian_input &input, double damping);
// Returns the claims of a finished problem for the note, as members of a JSON object: loss, damping, dead_columns, fp64.
std::string claims_of(const feedback &problem, const hessian_input &input);
// Returns m [n, n] with its rows and columns in `order`.
std::vector<float> permuted(assay_cpp::host host, const float *m, int64_t n,
                            const std::vector<int64_t> &order);

}  // namespace hessian
