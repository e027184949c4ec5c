// Times reads of a large buffer and large matrix products.
#include "kernels/machine_rates.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>

#include "aten.hpp"
#include "kernels/matmul.hpp"
#include "kernels/row_product.hpp"
#include "kernels/threads.hpp"

namespace assay::model {
namespace {

constexpr int k_passes = 6;
constexpr int64_t k_columns = 1 << 14, k_rows = 1 << 12;  // 256 MiB of fp32
constexpr int64_t k_size = 1536;                          // rows and columns of the products

template <typename Work>
double best_seconds(const Work &work) {
  using clock = std::chrono::steady_clock;
  double best = 1e30;
  for (int pass = 0; pass < k_passes; ++pass) {
    const auto start = clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(clock::now() - start).count());
  }
  return best;
}

}  // namespace

double read_rate() {
  const at::Tensor weight = at::ones({k_rows, k_columns}), x = at::ones({k_columns});
  at::Tensor out = at::empty({k_rows});
  const float *from = x.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
  float *to = out.mutable_data_ptr<float>();
  const double seconds = best_seconds([&] {
    parallel_for(0, k_rows, 16, [&](int64_t first, int64_t last) {
      row_product(from, 1, w, row_type::f32, k_columns, first, last, to, k_rows);
    });
  });
  return static_cast<double>(weight.nbytes()) / seconds;
}

double fp32_rate() {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({k_size, k_size}), weight = at::randn({k_size, k_size});
  const double seconds = best_seconds([&] { fast_linear(x, weight); });
  return 2.0 * k_size * k_size * k_size / seconds;
}

}  // namespace assay::model
