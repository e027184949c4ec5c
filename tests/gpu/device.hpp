// Says whether this machine has an NVIDIA GPU; if not, prints why. It calls CUDA only where
// the driver's library exists.
#pragma once

#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <cstdio>

inline bool has_device() {
  if (!dlopen("libcuda.so.1", RTLD_NOW)) {
    std::puts("skipped: no NVIDIA driver on this machine (libcuda.so.1)");
    return false;
  }
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::puts("skipped: the NVIDIA driver offers no device");
    return false;
  }
  return true;
}
