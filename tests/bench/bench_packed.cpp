// bench_packed [ROWS COLUMNS]: measures products with packed weights (integer codes that are not dequantized): 1 to 16 tokens as
// shares of the memory bandwidth, 512 tokens as a share of the rate of fp32 products, both measured in the same run.
// Not a test: nothing here fails on a slow machine.
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "aten.hpp"
#include "kernels/machine_rates.hpp"
#include "kernels/matmul.hpp"
#include "packed/packed_linear.hpp"

namespace {

using namespace assay::model;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class F>
double best_of(int rounds, F &&work) {
  double best = 1e30;
  for (int i = 0; i < rounds; ++i) {
    const double start = seconds();
    work();
    best = std::min(best, seconds() - start);
  }
  return best;
}

// Random codes, the same in every row. All scales are the float16 number 0x2000 = 2^-7; zeros: with zero points, all 0.
packed_matrix random_matrix(int64_t rows, int64_t columns, int bits, int64_t group, bool zeros) {
  packed_matrix m;
  m.scale_type = factor_type::f16;
  m.minimum_type = zeros ? factor_type::zero_u8 : factor_type::none;
  m.shift = -static_cast<float>(1 << (bits - 1));
  shape_matrix(m, rows, columns, bits, group == 0 ? columns : group);
  std::mt19937 random(1);
  std::vector<uint8_t> codes(static_cast<size_t>(columns));
  for (uint8_t &code : codes) code = static_cast<uint8_t>(random() % (1u << bits));
  for (int64_t row = 0; row < rows; ++row) write_codes(m, row, codes.data());
  for (int64_t i = 0; i < m.scales.size(); i += 2) m.scales.data()[i + 1] = 0x20;
  return m;
}

}  // namespace

int main(int argc, char **argv) {
  const at::NoGradGuard no_grad;
  const int64_t rows = argc > 2 ? std::atoll(argv[1]) : 3072,
                columns = argc > 2 ? std::atoll(argv[2]) : 1024;
  const at::Tensor x512 = at::randn({512, columns}), dense = at::randn({rows, columns});
  const double flops = 2e-9 * static_cast<double>(rows * columns);
  std::printf("%lld x %lld, kernel %s\n", static_cast<long long>(rows),
              static_cast<long long>(columns), packed_kernel_here().name);
  for (const auto &[bits, group, zeros] : {std::tuple<int, int64_t, bool>{2, 64, false},
                                           {3, 64, false},
                                           {4, 64, false},
                                           {4, 64, true},
                                           {4, 32, false},
                                           {5, 32, true},
                                           {6, 64, false},
                                           {8, 0, false},
                                           {8, 32, false}}) {
    std::vector<packed_matrix> matrices;  // more than the caches hold
    matrices.push_back(random_matrix(rows, columns, bits, group, zeros));
    const int64_t bytes = matrices[0].bytes();
    while (bytes * static_cast<int64_t>(matrices.size()) < (200 << 20))
      matrices.push_back(random_matrix(rows, columns, bits, group, zeros));
    std::printf("%d bits, group %3lld%s:", bits, static_cast<long long>(group),
                zeros ? ", zeros" : "");
    const double bandwidth = 1e-9 * read_rate();  // GB/s
    for (const int64_t tokens : {1, 2, 4, 8, 16}) {
      const at::Tensor x = at::randn({tokens, columns});
      const double s = best_of(5, [&] {
        for (const packed_matrix &m : matrices) packed_product(m, x);
      });
      const double rate =
          1e-9 * static_cast<double>(bytes) * static_cast<double>(matrices.size()) / s;
      std::printf("  x%lld %.1f GB/s %.0f%%", static_cast<long long>(tokens), rate,
                  100 * rate / bandwidth);
    }
    const double fp32 = flops * 512 / best_of(3, [&] { fast_linear(x512, dense); });
    const double many = flops * 512 / best_of(3, [&] { packed_product(matrices[0], x512); });
    std::printf("  x512 %.0f GFLOP/s, %.2f of fp32 %.0f; read %.1f GB/s\n", many, many / fp32, fp32,
                bandwidth);
  }
}
