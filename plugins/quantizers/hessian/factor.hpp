// Computes the factor that error feedback needs: the upper triangular U with inverse(H) = U^T U, where
// H = sum x x^T plus damping on the diagonal. If H cannot be factored, the damping is raised, then the
// same is tried in double precision. factor.cpp explains the steps; triangular.hpp does the algebra.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common.hpp"

namespace hessian {

// damping here and below: a share of mean(diag H), which is added to the diagonal.
struct factored {
  std::vector<float> u;  // [n, n] row-major, zeros below the diagonal
  double damping = 0;    // of the attempt that succeeded
  bool double_precision = false;
  std::vector<std::string> raises;  // the texts for the ledger, one for each raise of the damping
};

struct factor_problem {
  const float *h = nullptr;            // [n, n] symmetric, in the model's order; not owned
  const std::vector<float> *diagonal;  // [n] of h, but 1 where the input was always 0
  const std::vector<int64_t> *order;   // [n] the column that is rounded first, second, ...
  double damping = 0;                  // of the first attempt
  bool shared = false;                 // other linears have the same h: the result is kept for them
};

// Returns U for H with rows and columns in `order`. Throws failure(ASSAY_NUMERICAL) if no attempt
// succeeds. The ledger gets each raise of the damping, also where a kept factor is returned.
std::shared_ptr<const factored> factor_inverse(assay_cpp::host host, const factor_problem &problem);

}  // namespace hessian
