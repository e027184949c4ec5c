// Runs loops on LibTorch's own OpenMP threads. at::parallel_for would not, because it is a template
// and runs serially in a file that is compiled without OpenMP. Only threads.cpp is compiled with
// OpenMP, because all other files share a precompiled header that must not depend on OpenMP.
#pragma once

#include <cstdint>
#include <type_traits>

namespace assay::model {

// Calls body(argument, first, last) over [begin, end) in even pieces, one for each thread. It uses
// at most (end - begin) / grain threads, rounded up, and one thread inside another parallel loop. If
// pieces throw, run_pieces throws the first exception again.
void run_pieces(int64_t begin, int64_t end, int64_t grain,
                void (*body)(const void *argument, int64_t first, int64_t last),
                const void *argument);

// Calls body(first, last), as run_pieces does. Thread-local states (gradient mode) are those of the
// worker, not of the caller.
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
