// Measures this machine's rate of fp32 matrix products (GEMM). Benchmarks print their own rates as shares of it.
#pragma once

#include <algorithm>
#include <tuple>

#include "aten.hpp"
#include "core/resources.hpp"
#include "kernels/matmul.hpp"

namespace bench {

// Runs `work` several times; returns the least CPU seconds of a round, summed over all threads.
template <class F>
double best_cpu(int rounds, F &&work) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    const double start = assay::process_cpu_seconds();
    work();
    best = std::min(best, assay::process_cpu_seconds() - start);
  }
  return best;
}

// Returns the rate of fp32 products in GFLOP for each CPU second: the best of a square shape and two shapes of a small model.
inline double gemm_rate() {
  double best = 0;
  for (const auto &[m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{2048, 2048, 2048},
                                {4096, 1536, 576},
                                {4096, 576, 1536}}) {
    const at::Tensor x = at::randn({m, k}), w = at::randn({n, k});
    const double flops = 2e-9 * static_cast<double>(m * n * k);
    best = std::max(best, flops / best_cpu(5, [&] { assay::model::fast_linear(x, w); }));
  }
  return best;
}

}  // namespace bench
