// Packs forms that hold a block's content exactly: kquant/1 (plugin_api/ABI.md, "Formats"), and the
// codebook of IQ4_NL. Nothing is rounded.
#pragma once

#include "blocks.hpp"
#include "tensor_bytes.hpp"

namespace gguf {

// The tensors of a form, where they lie; borrowed. The steps and minima that the block lacks are null.
struct super_parts {
  const uint8_t *codes = nullptr, *steps = nullptr, *minimum_steps = nullptr;
  const uint16_t *scales = nullptr, *minima = nullptr;  // float16
  int64_t in = 0;
};

// Throws failure if a tensor is missing, has another shape, or a number that the block cannot hold.
super_parts super_parts_of(const assay_item &item, const tensor_type &type);

// Writes the blocks of one row.
void pack_super_row(const tensor_type &type, const super_parts &from, int64_t row, uint8_t *out);

}  // namespace gguf
