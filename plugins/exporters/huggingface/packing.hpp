// Packs integer codes of 2 to 8 bits into 32-bit little-endian words, as compressed-tensors stores
// them (compressed_tensors/compressors/pack_quantized). Widths that do not divide 32 are dense:
// codes cross from word to word.
#pragma once

#include <cstdint>

namespace hf {

// Words for n codes of `bits` bits.
constexpr int64_t packed_words(int64_t n, int bits) {
  return (n * bits + 31) / 32;
}

// One row: code k lies at bits [k*bits, k*bits + bits) of the row, counted from the lowest of word
// 0; what is left of the last word is zero. `offset` is added first: 2^(bits-1) turns signed codes
// into stored ones, 0 keeps unsigned codes. words: packed_words(n, bits) * 4 bytes.
void pack_row(const uint8_t *codes, int64_t n, int bits, uint8_t offset, uint8_t *words);

// Zero points [out, groups], packed along out: column g is a dense string of bits over its words.
// words: [packed_words(out, bits), groups] int32.
void pack_columns(const uint8_t *zeros, int64_t out, int64_t groups, int bits, uint8_t offset,
                  uint32_t *words);

}  // namespace hf
