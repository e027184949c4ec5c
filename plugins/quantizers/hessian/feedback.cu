// Error feedback of gptq for a whole linear in one CUDA kernel. The rows of W do not depend on each
// other, so each thread block has 32 rows and works through all columns, 64 at a time. From these 64
// columns it subtracts the errors of all earlier columns (a product of errors and U, computed in small
// tiles), then it rounds the 64 columns one by one. W itself is never changed. Results may differ from
// the CPU in the last bits, because products and sums are fused here.
#include <cuda_runtime.h>

#include "feedback_cuda.hpp"

namespace hessian {
namespace {

// k_depth: how many earlier columns have their errors in shared memory at a time.
constexpr int k_rows = 32, k_columns = 64, k_depth = 32, k_threads = 256;
constexpr int k_each = k_rows * k_columns / k_threads;  // a thread has 8 columns of one row

// Subtracts errors[rows, 0 .. first) U[0 .. first, first .. first + 64) from `value`, the weights of
// this thread. e and u: shared memory for tiles.
__device__ void take_errors(const device_feedback &p, int64_t row0, int64_t first, int row, int column0,
                            float (&value)[k_each], float (*e)[k_rows + 1], float (*u)[k_columns]) {
  for (int64_t depth = 0; depth < first; depth += k_depth) {
    for (int i = threadIdx.x; i < k_rows * k_depth; i += k_threads) {
      const int r = i / k_depth, k = i % k_depth;
      const bool inside = row0 + r < p.out && depth + k < first;
      e[k][r] = inside ? p.errors[(row0 + r) * p.in + depth + k] : 0.0f;
    }
    for (int i = threadIdx.x; i < k_depth * k_columns; i += k_threads) {
      const int k = i / k_columns, c = i % k_columns;
      const bool inside = depth + k < first && first + c < p.in;
      u[k][c] = inside ? p.u[(depth + k) * p.in + first + c] : 0.0f;
    }
    __syncthreads();
    for (int k = 0; k < k_depth; ++k) {
      const float error = e[k][row];
#pragma unroll
      for (int c = 0; c < k_each; ++c) value[c] -= error * u[k][column0 + c];
    }
    __syncthreads();
  }
}

__global__ __launch_bounds__(k_threads) void column_loop(device_feedback p) {
  __shared__ float e[k_depth][k_rows + 1], u[k_depth][k_columns];
  __shared__ float corner[k_columns][k_columns + 1];  // U of the present 64 columns
  __shared__ float w[k_columns][k_rows + 1], error[k_rows];
  const int64_t row0 = static_cast<int64_t>(blockIdx.x) * k_rows;
  const int row = threadIdx.x % k_rows, column0 = threadIdx.x / k_rows * k_each;
  const bool mine = row0 + row < p.out;
  for (int64_t first = 0; first < p.in; first += k_columns) {
    const int n = static_cast<int>(min(static_cast<int64_t>(k_columns), p.in - first));
    float value[k_each];
#pragma unroll
    for (int c = 0; c < k_each; ++c)
      value[c] = mine && column0 + c < n ? p.w[(row0 + row) * p.in + first + column0 + c] : 0.0f;
    take_errors(p, row0, first, row, column0, value, e, u);
#pragma unroll
    for (int c = 0; c < k_each; ++c) w[column0 + c][row] = value[c];
    for (int i = threadIdx.x; i < n * n; i += k_threads)
      corner[i / n][i % n] = p.u[(first + i / n) * p.in + first + i % n];
    __syncthreads();
    for (int j = 0; j < n; ++j) {
      if (threadIdx.x < k_rows && mine) {
        const int64_t place = (row0 + row) * p.in + first + j;
        const int64_t at = (row0 + row) * p.groups + p.group[first + j];
        const float scale = p.scale[at], zero = p.zero[at], x = w[j][row];
        // As on the CPU: q = code - zero is clamped, then rounded half to even.
        const float q = rintf(fminf(fmaxf(__fdiv_rn(x, scale), p.low - zero), p.high - zero));
        error[row] = (x - scale * q) / corner[j][j];
        p.errors[place] = error[row];
        p.codes[place] = static_cast<int16_t>(q + zero);
      }
      __syncthreads();
      if (mine)
        for (int c = j + 1 + threadIdx.x / k_rows; c < n; c += k_threads / k_rows)
          w[c][row] -= error[row] * corner[j][c];
      __syncthreads();
    }
  }
}

}  // namespace

int feed_back_on_device(const device_feedback &problem, void *stream) {
  const auto blocks = static_cast<unsigned>((problem.out + k_rows - 1) / k_rows);
  column_loop<<<blocks, k_threads, 0, static_cast<cudaStream_t>(stream)>>>(problem);
  return static_cast<int>(cudaGetLastError());
}

}  // namespace hessian
