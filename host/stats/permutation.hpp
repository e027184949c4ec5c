// The sign-flip permutation test of a mean paired difference. If nothing changed, each difference could as well have
// the other sign. So p is the share of sign patterns whose sum is at least as far from zero as the observed sum. It
// is not for unpaired data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::stats {

struct permutation_result {
  double p = 1.0;             // two-sided
  uint64_t permutations = 0;  // all 2^n sign patterns if n <= 16, else the number of random ones
  bool exact = false;         // true if all patterns were tried
};

// With more than 16 differences, `permutations` random patterns are tried. `hits` of them have a sum at least as far
// from zero as the observed sum. The observed pattern counts too, so p = (hits + 1) / (permutations + 1) is never 0.
// Throws error(usage) for an empty list and for a value that is not finite.
permutation_result sign_flip_test(std::span<const double> differences,
                                  uint32_t permutations = 10000, uint64_t seed = 0);

// The smallest p that the test can give for n differences. For n <= 16 it is 2 / 2^n: five differences of one sign give
// 0.0625. If the smallest p is above the alpha that a comparison needs, the test can never show a difference.
double smallest_sign_flip_p(size_t n, uint32_t permutations = 10000);

}  // namespace assay::stats
