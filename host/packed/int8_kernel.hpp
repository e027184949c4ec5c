// Declares the kernels that multiply codes with inputs rounded to int8, and chooses one for this
// processor. Products of whole numbers are exact; only scales are applied in fp32.
#pragma once

#include <cstdint>
#include <vector>

#include "packed/packed_kernel.hpp"

namespace assay::model {

constexpr int64_t k_int8_tile = 12;  // tokens that are multiplied at once
// The least scale of a rounded input, so that a row of zeros has a scale too.
constexpr float k_least_input_scale = 1e-12f;

// Inputs rounded for each token: x is about scales[token] * code, code in [-127, 127].
struct int8_input {
  // [tiles, units * 8, k_int8_tile] words of four codes. int8_column() gives the columns of these
  // codes. Codes beyond the last column are zero.
  const int32_t *codes;
  const float *scales;  // [tokens]
  const float *sums;    // [tokens, groups]: the sum of the codes over each group
  int64_t tokens;
};

struct int8_kernel {
  const char *name;  // static: "avx512-vnni", "base"
  // Computes out [tokens, out_stride] for the rows of panels [first, last). out has room for whole panels.
  // scratch: memory of int8_scratch_bytes() bytes, 64-byte aligned; each thread has its own.
  void (*product)(const packed_view &weight, const int8_input &input, int64_t first, int64_t last,
                  uint8_t *scratch, float *out, int64_t out_stride);
  // Writes the codes [columns] of one token, round(x / scale), and returns its scale: the larger of
  // max |x| / 127 and k_least_input_scale.
  float (*round)(const float *x, int64_t columns, int8_t *codes);
};

// Returns the column of a unit that lies in byte `place` of the unpacked unit, 0 <= place < 32. With
// 4 bits, columns are in such an order that one mask unpacks four codes at once.
inline int64_t int8_column(int bits, int64_t place) {
  return bits == 4 ? place / 8 * 8 + place % 4 * 2 + place % 8 / 4 : place;
}

int64_t int8_scratch_bytes(const packed_view &weight);
// The number of panels whose unpacked codes fit into the scratch; it is even.
int64_t int8_panels_at_once(const packed_view &weight);
// Returns whether the kernels can multiply these codes: they must be whole numbers (no codebook), and a group
// must be the whole row or have a multiple of 32 columns.
bool multiplies_int8(const packed_view &weight);

// The kernels that this processor can run, the fastest first; the last one runs anywhere.
const std::vector<const int8_kernel *> &int8_kernels();
// The first of them, or the first whose name begins with what ASSAY_KERNEL says ("avx512": "avx512-vnni"),
// or the last where none does. Throws as packed_kernel_here() does.
const int8_kernel &int8_kernel_here();

}  // namespace assay::model
