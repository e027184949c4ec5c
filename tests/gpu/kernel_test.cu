// Tests that CUDA works at all: a small kernel adds two arrays on LibTorch's current stream, and the sums are right.
// It tests no method. Skipped (exit code 77) where there is no GPU.
#include <c10/cuda/CUDAStream.h>

#include <cstdio>
#include <vector>

#include "device.hpp"

__global__ void add(const float *a, const float *b, float *sum, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) sum[i] = a[i] + b[i];
}

int main() {
  if (!has_device()) return 77;
  constexpr int n = 100'000;
  const cudaStream_t stream = c10::cuda::getCurrentCUDAStream().stream();
  std::vector<float> a(n), b(n), sum(n);
  for (int i = 0; i < n; ++i) a[i] = float(i), b[i] = float(2 * i);
  float *memory = nullptr;
  cudaMalloc(&memory, 3 * n * sizeof(float));
  cudaMemcpyAsync(memory, a.data(), n * sizeof(float), cudaMemcpyHostToDevice, stream);
  cudaMemcpyAsync(memory + n, b.data(), n * sizeof(float), cudaMemcpyHostToDevice, stream);
  add<<<(n + 255) / 256, 256, 0, stream>>>(memory, memory + n, memory + 2 * n, n);
  cudaMemcpyAsync(sum.data(), memory + 2 * n, n * sizeof(float), cudaMemcpyDeviceToHost, stream);
  const cudaError_t end = cudaStreamSynchronize(stream);
  cudaFree(memory);
  if (end != cudaSuccess) {
    std::printf("failed: %s\n", cudaGetErrorString(end));
    return 1;
  }
  for (int i = 0; i < n; ++i)
    if (sum[i] != float(3 * i)) return std::printf("failed: element %d is %g\n", i, sum[i]), 1;
  std::puts("ok");
}
