// The column loop of gptq on a device: the twin of feed_back (feedback.hpp) on static grids, one
// kernel for a whole linear. Declares no CUDA types, so that C++ files may include it.
#pragma once

#include <cstdint>

namespace hessian {

// All pointers are device memory, row-major; matrices lie in the order in which columns are worked
// on. Returns a cudaError_t as int: 0 = the work is on the stream.
struct device_feedback {
  const float *w = nullptr;        // [out, in]
  const float *u = nullptr;        // [in, in] upper factor of the inverse Hessian
  const float *scale = nullptr;    // [out, groups]
  const float *zero = nullptr;     // [out, groups]
  const int32_t *group = nullptr;  // [in] grid of each position
  int16_t *codes = nullptr;        // [out, in]
  float *errors = nullptr;         // [out, in] (w - w^) / U_ii; also the loop's memory
  int64_t out = 0, in = 0, groups = 0;
  float low = 0, high = 0;  // codes
};
int feed_back_on_device(const device_feedback &problem, void *stream);

}  // namespace hessian
