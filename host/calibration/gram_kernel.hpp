// Adds the lower triangle of x^T x (the Gram matrix: products of the columns of x) to a matrix. The
// matrices are plain arrays of floats.
#pragma once

#include <cstdint>

namespace assay::quant {

// True if this processor has AVX-512, which the kernel needs.
bool has_gram_kernel();

// Adds the lower triangle of x^T x to h [n, n], with x [tokens, n], both row-major. Near the diagonal,
// within 48 columns, parts of the upper triangle are written too. Sums run over tokens in order, in
// pieces of 1024. scratch: at least gram_scratch(tokens, n) floats, 64-byte aligned; overwritten.
// Call it only if has_gram_kernel().
void add_gram(float *h, const float *x, int64_t tokens, int64_t n, float *scratch);
int64_t gram_scratch(int64_t tokens, int64_t n);  // floats

}  // namespace assay::quant
