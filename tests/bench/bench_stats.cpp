// bench_stats: measures how much faster the resampling of host/stats is than a plain loop with the
// standard library's generator, both in one run. Not a test: nothing here fails on a slow machine.
// BCa is the bias-corrected and accelerated bootstrap interval.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "stats/bootstrap.hpp"
#include "stats/permutation.hpp"

namespace {

constexpr size_t k_items = 3000;
constexpr int k_replicates = 10000;

template <class F>
double seconds(F &&work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The simplest bootstrap: it sums each resample, drawn with mt19937_64, and computes no interval.
double naive(const std::vector<double> &values) {
  std::mt19937_64 generator(1);
  std::uniform_int_distribution<size_t> index(0, values.size() - 1);
  double checksum = 0.0;
  for (int r = 0; r < k_replicates; ++r) {
    double sum = 0.0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[index(generator)];
    checksum += sum;
  }
  return checksum;
}

}  // namespace

int main() {
  std::vector<double> values(k_items);
  for (size_t i = 0; i < k_items; ++i) values[i] = std::sin(static_cast<double>(i));
  const std::vector<double> ones(k_items, 1.0);
  double checksum = 0.0;
  const double plain = seconds([&] { checksum += naive(values); });
  const auto report = [&](const char *name, double time) {
    std::printf("%-28s %6.3f s  %5.1f times as fast as naive\n", name, time, plain / time);
  };
  std::printf("%zu items, %d replicates; naive loop %.3f s\n", k_items, k_replicates, plain);
  report("bootstrap of a mean, BCa",
         seconds([&] { checksum += assay::stats::bootstrap_mean(values, {}).low; }));
  report("bootstrap of a ratio, BCa",
         seconds([&] { checksum += assay::stats::bootstrap_ratio(values, ones, {}).low; }));
  report("sign-flip permutations",
         seconds([&] { checksum += assay::stats::sign_flip_test(values).p; }));
  return std::isfinite(checksum) ? 0 : 1;
}
