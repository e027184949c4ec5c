// Measures the kernels for packed codes, on random matrices of one shape. Two cases are measured: one token, as in
// decoding, where memory limits the speed; and many tokens, as in a prompt, where arithmetic limits it.
#include "cmd/doctor_kernels.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>

#include "aten.hpp"
#include "kernels/machine_rates.hpp"
#include "kernels/widen.hpp"
#include "packed/pack_weight.hpp"
#include "packed/packed_int8.hpp"
#include "packed/packed_linear.hpp"

namespace assay::cmd {
namespace {

using namespace assay::model;

constexpr int64_t k_rows = 3072, k_columns = 1024;  // the MLP of Qwen3-0.6B
constexpr int64_t k_many = 64;                      // tokens
constexpr int64_t k_beyond_caches = 96 << 20;       // bytes that a round with one token reads
constexpr double k_seconds = 0.1;                   // of measuring, for each kernel and format

struct stored_as {
  const char *name;
  int bits;
  int64_t group;  // 0 = whole rows
  bool is_codebook, int8_inputs;
};

constexpr stored_as k_formats[] = {
    {"W8 rows", 8, 0, false, false},
    {"W4 g128", 4, 128, false, false},
    {"W4 g32", 4, 32, false, false},
    {"W3 g128", 3, 128, false, false},
    {"W2 g64", 2, 64, false, false},
    {"fp8 rows", 8, 0, true, false},
    {"nvfp4", 4, 16, true, false},
    {"W8 rows, int8 inputs", 8, 0, false, true},
    {"W4 g128, int8 inputs", 4, 128, false, true},
};

packed_matrix empty_matrix(const stored_as &format) {
  packed_matrix m;
  m.scale_type = factor_type::f16;
  m.minimum_type = factor_type::none;
  m.shift = format.is_codebook ? 0.0f : -static_cast<float>(1 << (format.bits - 1));
  if (format.is_codebook && format.bits == 4) m.codebook = e2m1_values();
  if (format.is_codebook && format.bits == 8)
    for (int code = 0; code < 256; ++code)
      m.codebook.push_back(
          widen_e4m3(static_cast<uint8_t>(code & 0x7f) == 0x7f ? 0 : static_cast<uint8_t>(code)));
  shape_matrix(m, k_rows, k_columns, format.bits, format.group == 0 ? k_columns : format.group);
  return m;
}

// Matrices with the same random codes; all scales are the float16 number 0x2000 = 2^-7.
std::vector<packed_matrix> matrices_of(const stored_as &format) {
  std::vector<packed_matrix> out;
  out.push_back(empty_matrix(format));
  packed_matrix &first = out.front();
  std::mt19937 random(1);
  std::vector<uint8_t> codes(k_columns);
  for (uint8_t &code : codes) code = static_cast<uint8_t>(random() % (1u << format.bits));
  for (int64_t row = 0; row < k_rows; ++row) write_codes(first, row, codes.data());
  for (int64_t i = 0; i + 1 < first.scales.size(); i += 2) first.scales.data()[i + 1] = 0x20;
  const int64_t bytes = first.bytes();
  while (bytes * std::ssize(out) < k_beyond_caches) {
    packed_matrix copy = empty_matrix(format);
    std::memcpy(copy.codes.data(), out.front().codes.data(),
                static_cast<size_t>(copy.codes.size()));
    std::memcpy(copy.scales.data(), out.front().scales.data(),
                static_cast<size_t>(copy.scales.size()));
    out.push_back(std::move(copy));
  }
  return out;
}

// Calls `round`, which makes `products` products, once and then until k_seconds have passed. Returns the seconds of one
// product in the fastest round.
double best_seconds(int64_t products, const std::function<void()> &round) {
  using clock = std::chrono::steady_clock;
  const auto since = [](clock::time_point start) {
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  const auto begin = clock::now();
  double best = 1e30;
  do {
    const auto start = clock::now();
    round();
    best = std::min(best, since(start));
  } while (since(begin) < k_seconds);
  return best / static_cast<double>(products);
}

// multiply(matrix, x): one product by the kernel that is measured.
template <class F>
void measure(const stored_as &format, const std::vector<packed_matrix> &matrices,
             const std::string &kernel, bool chosen, F &&multiply, std::vector<kernel_rate> &out) {
  for (const int64_t tokens : {int64_t{1}, k_many}) {
    const at::Tensor x = at::ones({tokens, k_columns});
    const int64_t used = tokens == 1 ? std::ssize(matrices) : 1;
    multiply(matrices.front(), x);  // not measured: the first call also starts threads
    kernel_rate rate{format.name, kernel, tokens, 0, 0, 0, chosen};
    rate.seconds = best_seconds(used, [&] {
      for (int64_t i = 0; i < used; ++i) multiply(matrices[static_cast<size_t>(i)], x);
    });
    rate.bytes = static_cast<double>(matrices.front().bytes());
    rate.operations = 2.0 * static_cast<double>(tokens * k_rows * k_columns);
    out.push_back(rate);
  }
}

}  // namespace

kernel_table measure_kernels() {
  const at::NoGradGuard no_gradient;
  kernel_table table{k_rows, k_columns, at::get_num_threads(), read_rate(), {}};
  const packed_kernel &chosen = packed_kernel_here();
  for (const stored_as &format : k_formats) {
    const std::vector<packed_matrix> matrices = matrices_of(format);
    if (format.int8_inputs) {
      for (const int8_kernel *kernel : int8_kernels())
        measure(
            format, matrices, kernel->name, kernel == &int8_kernel_here(),
            [&](const packed_matrix &m, const at::Tensor &x) {
              packed_int8_product(m, x, {}, *kernel);
            },
            table.rates);
      continue;
    }
    for (const packed_kernel *kernel : packed_kernels())
      measure(
          format, matrices, kernel->name, kernel == &chosen,
          [&](const packed_matrix &m, const at::Tensor &x) { packed_product(m, x, {}, *kernel); },
          table.rates);
  }
  table.read_bytes = std::max(table.read_bytes, read_rate());
  return table;
}

}  // namespace assay::cmd
