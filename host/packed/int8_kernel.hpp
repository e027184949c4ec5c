// Names what a kernel computes that multiplies codes with inputs rounded to int8, and chooses one for
// this processor. Products of whole numbers are exact; only scales are applied in fp32.
#pragma once

#include <cstdint>
#include <vector>

#include "packed/packed_kernel.hpp"

namespace assay::model {

constexpr int64_t k_int8_tile = 12;  // tokens that are multiplied at once
// The least scale of a rounded input, so that a row of zeros has one.
constexpr float k_least_input_scale = 1e-12f;

// Inputs rounded for each token: x is about scales[token] * code, code in [-127, 127].
struct int8_input {
  // [tiles, units * 8, k_int8_tile] words of four codes, whose columns int8_column() tells; zero behind
  // the last column.
  const int32_t *codes;
  const float *scales;  // [tokens]
  const float *sums;    // [tokens, groups]: the sum of the codes over each group
  int64_t tokens;
};

struct int8_kernel {
  const char *name;  // static: "avx512-vnni", "base"
  // out [tokens, out_stride] for the rows of panels [first, last). scratch: int8_scratch_bytes, 64-byte
  // aligned, one for each thread. out has room for whole panels.
  void (*product)(const packed_view &weight, const int8_input &input, int64_t first, int64_t last,
                  uint8_t *scratch, float *out, int64_t out_stride);
  // codes [columns] and the scale of one token: round(x / scale), scale = max |x| / 127.
  float (*round)(const float *x, int64_t columns, int8_t *codes);
};

// The column of a unit that is byte `place` of it, 0 <= place < 32: with 4 bits, one mask then gives four
// codes at once.
inline int64_t int8_column(int bits, int64_t place) {
  return bits == 4 ? place / 8 * 8 + place % 4 * 2 + place % 8 / 4 : place;
}

int64_t int8_scratch_bytes(const packed_view &weight);
int64_t int8_panels_at_once(const packed_view &weight);  // whose codes fit into the scratch; even
// Whether a kernel multiplies these codes: whole numbers, in groups of multiples of 32 or whole rows.
bool multiplies_int8(const packed_view &weight);

// The kernels that this processor can run, the fastest first; the last one runs anywhere.
const std::vector<const int8_kernel *> &int8_kernels();
// The first of them, or the first whose name begins with what ASSAY_KERNEL says ("avx512": "avx512-vnni"),
// or the last where none does. Throws as packed_kernel_here() does.
const int8_kernel &int8_kernel_here();

}  // namespace assay::model
