// The one file compiled with OpenMP.
#include "kernels/threads.hpp"

#include <algorithm>
#include <exception>
#include <mutex>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace assay::model {
namespace {

int64_t free_threads() {
#ifdef _OPENMP
  return omp_in_parallel() != 0 ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

}  // namespace

void run_pieces(int64_t begin, int64_t end, int64_t grain,
                void (*body)(const void *argument, int64_t first, int64_t last),
                const void *argument) {
  if (begin >= end) return;
  grain = std::max<int64_t>(1, grain);
  const int64_t n = end - begin, n_threads = std::min(free_threads(), (n + grain - 1) / grain);
  if (n_threads <= 1) return body(argument, begin, end);
  const int64_t length = (n + n_threads - 1) / n_threads;
  std::exception_ptr failure;
  std::mutex guard;
#ifdef _OPENMP
#pragma omp parallel for num_threads(static_cast <int>(n_threads)) schedule(static, 1)
#endif
  for (int64_t piece = 0; piece < n_threads; ++piece) {
    const int64_t first = begin + piece * length, last = std::min(end, first + length);
    if (first >= last) continue;
    try {
      body(argument, first, last);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(guard);
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace assay::model
