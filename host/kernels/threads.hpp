// Loops on LibTorch's own OpenMP threads. at::parallel_for is a template that runs serially in every file compiled
// without OpenMP, which all but threads.cpp are: a precompiled header must not depend on it.
#pragma once

#include <cstdint>
#include <type_traits>

namespace assay::model {

// body(argument, first, last) over [begin, end) in even pieces of at least `grain`, one a thread; serially
// inside another parallel loop. The first exception of a piece is thrown again here.
void run_pieces(int64_t begin, int64_t end, int64_t grain,
                void (*body)(const void *argument, int64_t first, int64_t last),
                const void *argument);

// body(first, last), as run_pieces. Thread-local states (gradient mode) are the worker's, not the caller's.
template <typename Body>
void parallel_for(int64_t begin, int64_t end, int64_t grain, const Body &body) {
  run_pieces(
      begin, end, grain,
      [](const void *argument, int64_t first, int64_t last) {
        (*static_cast<const Body *>(argument))(first, last);
      },
      &body);
}

}  // namespace assay::model
