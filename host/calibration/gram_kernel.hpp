// Sums of products of columns, x^T x, for one triangle. No tensors, and no choice where it applies
// (statistics.cpp).
#pragma once

#include <cstdint>

namespace assay::quant {

// True where this machine has the vectors that the kernel is written for (AVX-512).
bool has_gram_kernel();

// Lower triangle of h [n, n] += x^T x with x [tokens, n], both row-major; the upper triangle within a
// panel of columns is written too. Sums run over tokens in order, in pieces of 1024.
// scratch: at least gram_scratch(tokens, n) floats, 64-byte aligned; overwritten.
void add_gram(float *h, const float *x, int64_t tokens, int64_t n, float *scratch);
int64_t gram_scratch(int64_t tokens, int64_t n);  // floats

}  // namespace assay::quant
