// Packs integer codes of 2 to 8 bits into 32-bit little-endian words, as compressed-tensors stores them
// (compressed_tensors/compressors/pack_quantized). If the width does not divide 32, a code may begin in
// one word and end in the next.
#pragma once

#include <cstdint>

namespace hf {

// Returns how many words n codes of `bits` bits need.
constexpr int64_t packed_words(int64_t n, int bits) {
  return (n * bits + 31) / 32;
}

// Packs one row of n codes. Code k is at bits [k * bits, k * bits + bits) of the row, counted from the
// lowest bit of word 0. The rest of the last word is zero. `offset` is added to each code first:
// 2^(bits-1) for signed codes, 0 for unsigned ones. words: packed_words(n, bits) * 4 bytes.
void pack_row(const uint8_t *codes, int64_t n, int bits, uint8_t offset, uint8_t *words);

// Packs zero points [out, groups] along `out`: each column is packed like a row in pack_row. words:
// [packed_words(out, bits), groups].
void pack_columns(const uint8_t *zeros, int64_t out, int64_t groups, int bits, uint8_t offset,
                  uint32_t *words);

}  // namespace hf
