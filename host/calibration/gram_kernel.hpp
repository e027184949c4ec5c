// Adds up the products of columns, x^T x, for one triangle, on plain arrays of floats.
#pragma once

#include <cstdint>

namespace assay::quant {

// True if this machine has AVX-512, for which the kernel is written.
bool has_gram_kernel();

// Adds the lower triangle of x^T x to h [n, n], with x [tokens, n], both row-major; the upper
// triangle within a panel of columns is written too. Sums run over tokens in order, in pieces of
// 1024. scratch: at least gram_scratch(tokens, n) floats, 64-byte aligned, overwritten.
void add_gram(float *h, const float *x, int64_t tokens, int64_t n, float *scratch);
int64_t gram_scratch(int64_t tokens, int64_t n);  // floats

}  // namespace assay::quant
