// The checks of `assay doctor` that need LibTorch: its version, the speed of matrix products, whether
// int8 products are exact here, whether CUDA works. The speeds only help to choose a value of
// --dtype; tests/bench has the real benchmarks.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "aten.hpp"
#include "cmd/doctor.hpp"
#include "kernels/matmul.hpp"
#include "model/device.hpp"

namespace assay::cmd {
namespace {

constexpr int64_t k_size = 1024;      // rows and columns of the matrices
constexpr double k_seconds = 0.4;     // of measuring, for each dtype
constexpr double k_slow_gflops = 20;  // below it, even a small model takes long

// Returns GFLOP/s of the fastest of several products of two k_size x k_size matrices. The mean of all
// would say little, because other work on the machine disturbs some of them. fast_linear is measured
// instead of LibTorch's own product, because the forward pass calls fast_linear.
double gemm_rate(at::ScalarType dtype) {
  const at::NoGradGuard no_gradient;
  const at::Tensor x = at::randn({k_size, k_size}).to(dtype);
  const at::Tensor weight = at::randn({k_size, k_size}).to(dtype);
  model::fast_linear(x, weight);  // not measured: the first call also starts threads
  using clock = std::chrono::steady_clock;
  const auto begin = clock::now();
  double best = 1e9, total = 0;
  while (total < k_seconds) {
    const auto start = clock::now();
    model::fast_linear(x, weight);
    best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
    total = std::chrono::duration<double>(clock::now() - begin).count();
  }
  return 2e-9 * double(k_size) * double(k_size) * double(k_size) / best;
}

// Compares an int8 product, with values of the full range, with the exact float64 product. On
// processors without VNNI (int8 dot-product instructions) oneDNN, LibTorch's CPU library, cuts
// sums off at 16 bits and reports no error.
bool int8_is_exact() {
  const at::Tensor a = at::randint(-128, 128, {64, 512}, at::kInt).to(at::kChar);
  const at::Tensor b = at::randint(-128, 128, {512, 64}, at::kInt).to(at::kChar);
  const at::Tensor want = at::matmul(a.to(at::kDouble), b.to(at::kDouble));
  return at::_int_mm(a, b).to(at::kDouble).equal(want);
}

std::string format(const char *pattern, double a, double b = 0) {
  char text[200];
  std::snprintf(text, sizeof text, pattern, a, b);
  return text;
}

std::string compiler() {
#if defined(__clang__)
  return std::string("clang ") + __clang_version__;
#else
  return std::string("g++ ") + __VERSION__;
#endif
}

// Returns the first line of the NVIDIA driver's version file, "" if no driver is loaded.
std::string driver_version() {
  std::ifstream in("/proc/driver/nvidia/version");
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

findings look_at_build() {
  const std::string torch = std::to_string(TORCH_VERSION_MAJOR) + "." +
                            std::to_string(TORCH_VERSION_MINOR) + "." +
                            std::to_string(TORCH_VERSION_PATCH);
  return {{"build", health::good,
           std::string("assay ") + ASSAY_VERSION + ", " + compiler() + ", LibTorch " + torch, ""}};
}

findings look_at_speed() {
  findings out;
  const double fp32 = gemm_rate(at::kFloat);
  const double bf16 = gemm_rate(at::kBFloat16);
  const std::string threads =
      std::to_string(at::get_num_threads()) + " threads, " + at::get_cpu_capability() + " kernels";
  out.push_back({"speed", fp32 < k_slow_gflops ? health::note : health::good,
                 format("float32 %.0f GFLOP/s, bfloat16 %.0f GFLOP/s, ", fp32, bf16) + threads,
                 bf16 > 1.2 * fp32
                     ? format("--dtype bfloat16 computes about %.1f times as fast here, with less "
                              "exact numbers",
                              bf16 / fp32)
                     : "float32, the default, is the fastest choice here"});
  const bool exact = int8_is_exact();
  out.push_back({"speed", exact ? health::good : health::note,
                 exact ? "int8 matrix products are exact"
                       : "int8 matrix products of this processor are wrong (16-bit saturation)",
                 exact ? "" : "int8 activations cannot be computed by int8 kernels here"});
  return out;
}

findings look_at_gpu() {
  const std::string reason = model::why_no_cuda();
  const std::string driver = driver_version();
  if (reason.empty()) return {{"gpu", health::good, "CUDA works. " + driver, ""}};
  findings out = {{"gpu", driver.empty() ? health::note : health::missing, reason, ""}};
  if (driver.empty())
    out[0].hint = "a GPU is optional: everything works on the CPU";
  else
    out[0].hint = driver + ". Start ./assay from the checkout: it fetches the CUDA wheels";
  return out;
}

}  // namespace assay::cmd
