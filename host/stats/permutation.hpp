// Sign-flip permutation test of a mean paired difference: if nothing changed, every difference
// could as well have had the other sign. Not for unpaired data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::stats {

struct permutation_result {
  double p = 1.0;             // two-sided
  uint64_t permutations = 0;  // all 2^n where n <= 16, else the number drawn
  bool exact = false;
};

// Drawn permutations count the observed one too, (hits + 1) / (drawn + 1), so p is never 0.
// Throws error(usage) for no differences or a non-finite one.
permutation_result sign_flip_test(std::span<const double> differences,
                                  uint32_t permutations = 10000, uint64_t seed = 0);

// The smallest p that the test can give for n differences, 2 / 2^n where it is exact: n differences
// of one sign give it. A test whose smallest p is too large for its family decides nothing.
double smallest_sign_flip_p(size_t n, uint32_t permutations = 10000);

}  // namespace assay::stats
