// Error feedback of gptq on a GPU, one kernel for a whole linear. It does the work of feed_back
// (feedback.hpp) for grids that are fitted beforehand. It declares no CUDA types, so that C++ files
// may include it.
#pragma once

#include <cstdint>

namespace hessian {

// All pointers are device memory, row-major. Columns are in the order in which they are rounded.
struct device_feedback {
  const float *w = nullptr;        // [out, in]
  const float *u = nullptr;        // [in, in] upper factor of the inverse Hessian
  const float *scale = nullptr;    // [out, groups]
  const float *zero = nullptr;     // [out, groups]
  const int32_t *group = nullptr;  // [in] the group of each column
  int16_t *codes = nullptr;        // [out, in]
  // [out, in] result: (x - rounded x) / U_ii, x = the weight minus the errors of earlier columns
  float *errors = nullptr;
  int64_t out = 0, in = 0, groups = 0;
  float low = 0, high = 0;  // the least and the largest code
};
// Starts the kernel on the stream, a cudaStream_t, and does not wait. Returns a cudaError_t as int; 0
// means that it was started.
int feed_back_on_device(const device_feedback &problem, void *stream);

}  // namespace hessian
