// The blocks of GGUF files: runs of 32 or 256 weights of one row with their scales. This file says which block holds a
// form, and packs the codes of integer grids; super_blocks.hpp packs the other forms.
#pragma once

#include <cstdint>
#include <string>

#include "plan.hpp"

namespace gguf {

// What may be done with a grid for which no block has exactly these codes and zeros.
enum class fit {
  exact,   // nothing: it is refused
  wider,   // it is stored in a wider block, if that holds each weight exactly
  rounded  // the minimum of a group, -scale * zero, is rounded to float16
};

constexpr int64_t k_block = 32;  // weights in the smallest block

// A type of tensor in the file (ggml-org/ggml, include/ggml.h, enum ggml_type).
struct tensor_type {
  const char *name;
  uint32_t id;
  uint32_t file_type;     // general.file_type of a file whose matrices are mostly of this type
  int64_t block_weights;  // 1 for floats
  int64_t block_bytes;
  int code_bits;  // 0 for floats
  int lowest;     // blocks: the code 0 stands for this multiple of the scale
  bool minimum;   // blocks: the weight is scale * code + minimum
};

extern const tensor_type k_f32, k_f16, k_bf16;

// The type with this name; nullptr if there is none.
const tensor_type *block_named(const std::string &name);
// True if the form names a block that holds it exactly: kquant/1, or the codebook of IQ4_NL.
bool is_block_form(const grid &codes);
// The type that holds the grid; nullptr if there is none, and `reason` then says why.
const tensor_type *block_for(const grid &codes, fit how, std::string &reason);

// One row of a quantized linear. Groups of columns share a scale and a zero.
struct row_view {
  const uint8_t *codes;         // `in` codes: int8 if there are no zeros, else uint8
  const uint16_t *scales;       // float16
  const uint8_t *zeros;         // integers; nullptr if there are none
  const uint16_t *float_zeros;  // float16; nullptr if there are none
  int64_t in, group_size;
};

// Writes the blocks of a row. Returns the number of minima that were rounded. Throws failure for a
// code that the block cannot hold, and for a minimum beyond float16.
int64_t pack_row(const tensor_type &type, const row_view &row, uint8_t *out);

}  // namespace gguf
