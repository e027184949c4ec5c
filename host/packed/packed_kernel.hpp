// Declares what a kernel on packed codes computes, and chooses one for this processor. A kernel is a
// table of functions. For another processor or device, add one more table (packed_kernel.cpp).
#pragma once

#include <cstdint>
#include <vector>

#include "packed/packed_matrix.hpp"

namespace assay::model {

// A packed_matrix as kernels see it: plain pointers, because code that is compiled for one
// instruction set must share no inline function with the rest of the program.
struct packed_view {
  const uint32_t *codes;
  const uint8_t *scales, *minima, *super_scales, *super_minima;
  const float *values;  // packed_matrix::values
  int64_t rows, columns, units, groups, group, super, supers;
  int bits;
  bool is_codebook, is_e4m3;
  float shift, outer;
  factor_type scale_type, minimum_type;
};

// The activations of one call of product() or many() below, in the order of the packed columns, with zeros
// from `columns` to the end of the last unit.
struct packed_input {
  // for product(): as arrange() writes it; for many(): [tiles, units * 32, k_tile_tokens]
  const float *x;
  const float *sums;  // only for product(): as arrange() writes them
  int64_t tokens;
};

constexpr int64_t k_tile_tokens = 12;  // tokens of a tile, which `many` multiplies at once

struct packed_kernel {
  const char *name;  // static: "avx512", "avx2", "base"
  // out [tokens, out_stride] = x Wᵀ for the rows of panels [first, last), with fp32 sums; out has room
  // for whole panels. Made for decoding: each code is unpacked once for up to 8 tokens.
  void (*product)(const packed_view &weight, const packed_input &input, int64_t first, int64_t last,
                  float *out, int64_t out_stride);
  // The same for many tokens, made for prefill: some panels are unpacked to fp32 into `scratch`, and then
  // multiplied with all tokens. `scratch` has room for scratch_floats() floats and is 64-byte aligned; each
  // thread has its own.
  void (*many)(const packed_view &weight, const packed_input &input, int64_t first, int64_t last,
               float *scratch, float *out, int64_t out_stride);
  // Writes x [tokens, columns] as `product` reads it. `arranged` has room for tokens * units * 32 floats and
  // is 64-byte aligned. `sums` gets the sum of x over each group, tokens * groups floats.
  void (*arrange)(const packed_view &weight, const float *x, int64_t tokens, float *arranged,
                  float *sums);
};

packed_view view_of(const packed_matrix &matrix);   // borrows the matrix
int64_t scratch_floats(const packed_view &weight);  // floats of scratch that `many` needs
// Panels that `many` unpacks at once: as many as stay in the second-level cache, at least 2.
int64_t panels_at_once(const packed_view &weight);

// The kernels that this processor can run, the fastest first. The last one runs anywhere.
const std::vector<const packed_kernel *> &packed_kernels();
// The first of them, or the one that the environment variable ASSAY_KERNEL names. Throws
// error(usage) if that name is unknown or if that kernel needs another processor.
const packed_kernel &packed_kernel_here();

}  // namespace assay::model
