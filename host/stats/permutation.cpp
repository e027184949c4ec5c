// Computes the sign-flip permutation test. Intervals are in bootstrap.cpp.
#include "stats/permutation.hpp"

#include <cmath>

#include "core/error.hpp"
#include "stats/random.hpp"

namespace assay::stats {
namespace {

constexpr uint32_t k_purpose_permutation = 2;
constexpr size_t k_exact_limit = 16;  // 65,536 sign patterns

// The sum of the differences with random signs. Each sign takes one random bit, so four words of 32
// bits serve 128 differences.
double flipped_sum(std::span<const double> differences, uint32_t seed_word_index,
                   uint32_t replicate, uint64_t seed) {
  double sum = 0.0;
  std::array<uint32_t, 4> words{};
  for (size_t i = 0; i < differences.size(); ++i) {
    if (i % 128 == 0)
      words = draws(seed, k_purpose_permutation, replicate,
                    seed_word_index + static_cast<uint32_t>(i / 128));
    const uint32_t bit = (words[(i / 32) % 4] >> (i % 32)) & 1U;
    sum += bit != 0U ? differences[i] : -differences[i];
  }
  return sum;
}

}  // namespace

permutation_result sign_flip_test(std::span<const double> differences, uint32_t permutations,
                                  uint64_t seed) {
  if (differences.empty()) throw error(error_kind::usage, "a permutation test needs differences");
  double observed = 0.0;
  double scale = 0.0;
  for (const double value : differences) {
    if (!std::isfinite(value))
      throw error(error_kind::usage, "a difference is not a finite number");
    observed += value;
    scale += std::fabs(value);
  }
  // Two sums that are equal in exact arithmetic may differ in their last bits. They must count as equal.
  const double threshold = std::fabs(observed) - 1e-12 * scale;
  permutation_result result;
  uint64_t hits = 0;
  if (differences.size() <= k_exact_limit) {
    result.exact = true;
    result.permutations = uint64_t{1} << differences.size();
    for (uint64_t pattern = 0; pattern < result.permutations; ++pattern) {
      double sum = 0.0;
      for (size_t i = 0; i < differences.size(); ++i)
        sum += (pattern >> i & 1U) != 0U ? differences[i] : -differences[i];
      hits += std::fabs(sum) >= threshold ? 1 : 0;
    }
    result.p = static_cast<double>(hits) / static_cast<double>(result.permutations);
    return result;
  }
  result.permutations = permutations;
  for (uint32_t r = 0; r < permutations; ++r)
    hits += std::fabs(flipped_sum(differences, 0, r, seed)) >= threshold ? 1 : 0;
  result.p = static_cast<double>(hits + 1) / static_cast<double>(permutations + 1ULL);
  return result;
}

double smallest_sign_flip_p(size_t n, uint32_t permutations) {
  if (n == 0) throw error(error_kind::usage, "a permutation test needs differences");
  if (n <= k_exact_limit) return std::ldexp(2.0, -static_cast<int>(n));
  return 1.0 / (static_cast<double>(permutations) + 1.0);
}

}  // namespace assay::stats
