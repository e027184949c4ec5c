// The factor that error feedback needs: upper U with inverse(H) = U^T U, from a damped Hessian.
// Uses the host's linear algebra; raises damping, then precision, then gives up visibly.
#pragma once

#include <cstdint>
#include <vector>

#include "assay.h"

namespace hessian {

struct factor_result {
  double damping;  // that was used, relative to mean(diag H)
  bool double_precision;
};

// h: [n, n] row-major, symmetric; becomes U (zeros below the diagonal). Throws
// failure(ASSAY_NUMERICAL).
factor_result factor_inverse(const assay_host *host, float *h, int64_t n, double damping);

}  // namespace hessian
