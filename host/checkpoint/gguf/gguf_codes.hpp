// Takes the blocks of GGUF files apart into codes and factors (FORMATS.md, "GGUF blocks"). Nothing is rounded or multiplied, so that packed
// weights and other file formats get the numbers of the file.
#pragma once

#include <cstdint>

#include "checkpoint/gguf/gguf_blocks.hpp"

namespace assay::model {

// How a factor is stored. A step is multiplied by a float16 factor of the whole block.
enum class block_factor : uint8_t { none, half, unsigned_step, signed_step };

// Where the parts of one block go. Those that the type lacks may be null.
struct block_parts {
  uint8_t *codes;                        // [block_elements], from 0
  uint8_t *scales, *minima;              // one for each group: 2 bytes of a half, 1 of a step
  uint8_t *super_scales, *super_minima;  // 2 bytes: the factor of all steps of the block
};

// weight = scale * value + minimum. value: lowest + code, or codebook[code]. A scale is a half, or super_scale * step; a minimum is a
// half, or -super_minimum * step.
struct block_codes {
  int type;  // ggml's number
  int bits;
  int64_t group;  // weights that share a scale
  int lowest;
  block_factor scale, minimum;
  int step_bits;  // of a step in the file; 0 = there are none
  void (*read)(const uint8_t *in, const block_parts &to);  // one block
  const float *codebook;                                   // [16] of k_iq4_values, or null

  bool has_steps() const { return step_bits > 0; }
};

// Never freed; null for floats and for types that nothing takes apart.
const block_codes *find_block_codes(const ggml_format &format);
int64_t factor_bytes(block_factor factor);  // of one group: 0, 2 or 1

}  // namespace assay::model
