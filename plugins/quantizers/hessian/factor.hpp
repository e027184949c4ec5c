// The factor that error feedback needs: upper triangular U with inverse(H) = U^T U, from a damped
// Hessian. If the factorisation fails, damping is raised, then precision, and then the linear fails.
// triangular.hpp has the algebra.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common.hpp"

namespace hessian {

struct factored {
  std::vector<float> u;  // [n, n] row-major, zeros below the diagonal
  double damping = 0;    // the one that succeeded, relative to mean(diag H)
  bool double_precision = false;
  std::vector<std::string> raises;  // what was written into the ledger on the way
};

struct factor_problem {
  const float *h = nullptr;            // [n, n] symmetric, in the model's order; borrow
  const std::vector<float> *diagonal;  // [n] of h; 1 for dead columns
  const std::vector<int64_t> *order;   // [n] position -> column
  double damping = 0;                  // relative to mean(diag H)
  bool shared = false;  // other linears see the same h: the last such factor is remembered
};

// Of H[order, order]. Throws failure(ASSAY_NUMERICAL).
std::shared_ptr<const factored> factor_inverse(assay_cpp::host host, const factor_problem &problem);

}  // namespace hessian
