// Multiplies a few rows of x with the rows of a weight that is stored row by row in 16 or 32 bits.
// It serves decoding, where every weight is read once for each token, so that memory is the slow part.
#pragma once

#include <cstdint>

namespace assay::model {

enum class row_type : uint8_t { f32, bf16, f16 };
inline int64_t bytes_of(row_type type) {
  return type == row_type::f32 ? 4 : 2;
}

// Multiplies x [tokens, k] by the transposed rows [first, last) of weight [n, k], with sums in fp32, and
// writes the columns [first, last) of out [tokens, out_stride]. Uses one thread. tokens: 1 or more.
void row_product(const float *x, int64_t tokens, const void *weight, row_type type, int64_t k,
                 int64_t first, int64_t last, float *out, int64_t out_stride);

}  // namespace assay::model
