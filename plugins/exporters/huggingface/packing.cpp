// Packs codes into bytes, in loops that the compiler can vectorise. The file has 32-bit words, but they
// are little-endian, so a row of codes can be written byte by byte.
#include "packing.hpp"

#include <cstring>

namespace hf {
namespace {

// Packs codes into n_bytes bytes, 8 / bits codes into each.
template <int bits>
void pack_bytes(const uint8_t *codes, int64_t n_bytes, uint8_t offset, uint8_t *out) {
  constexpr int per_byte = 8 / bits;
  constexpr unsigned mask = (1u << bits) - 1;
  for (int64_t i = 0; i < n_bytes; ++i) {
    unsigned byte = 0;
    for (int slot = 0; slot < per_byte; ++slot)
      byte |= ((static_cast<unsigned>(codes[i * per_byte + slot]) + offset) & mask)
              << (slot * bits);
    out[i] = static_cast<uint8_t>(byte);
  }
}

// Packs codes of any width: code k starts at bit k * bits and may end in the next byte.
void pack_dense_row(const uint8_t *codes, int64_t n, int bits, uint8_t offset, uint8_t *words) {
  std::memset(words, 0, static_cast<size_t>(packed_words(n, bits) * 4));
  const unsigned mask = (1u << bits) - 1;
  for (int64_t k = 0; k < n; ++k) {
    const unsigned stored = ((static_cast<unsigned>(codes[k]) + offset) & mask) << (k * bits % 8);
    uint8_t *byte = words + k * bits / 8;
    byte[0] = static_cast<uint8_t>(byte[0] | stored);
    if (stored >> 8) byte[1] = static_cast<uint8_t>(byte[1] | stored >> 8);
  }
}

}  // namespace

void pack_row(const uint8_t *codes, int64_t n, int bits, uint8_t offset, uint8_t *words) {
  if (8 % bits != 0) return pack_dense_row(codes, n, bits, offset, words);
  const int64_t whole = n * bits / 8;
  if (bits == 4)
    pack_bytes<4>(codes, whole, offset, words);
  else if (bits == 8)
    pack_bytes<8>(codes, whole, offset, words);
  else
    pack_bytes<2>(codes, whole, offset, words);
  const int64_t total = packed_words(n, bits) * 4;
  std::memset(words + whole, 0, static_cast<size_t>(total - whole));
  const unsigned mask = (1u << bits) - 1;
  for (int64_t k = whole * 8 / bits; k < n; ++k) {  // codes that do not fill a byte
    const unsigned stored = (static_cast<unsigned>(codes[k]) + offset) & mask;
    words[k * bits / 8] = static_cast<uint8_t>(words[k * bits / 8] | (stored << (k * bits % 8)));
  }
}

void pack_columns(const uint8_t *zeros, int64_t out, int64_t groups, int bits, uint8_t offset,
                  uint32_t *words) {
  const uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  std::memset(words, 0, static_cast<size_t>(packed_words(out, bits) * groups) * sizeof(uint32_t));
  for (int64_t row = 0; row < out; ++row) {
    const auto shift = static_cast<unsigned>(row * bits % 32);
    uint32_t *line = words + row * bits / 32 * groups;
    for (int64_t g = 0; g < groups; ++g) {
      const uint32_t stored = (static_cast<uint32_t>(zeros[row * groups + g]) + offset) & mask;
      line[g] |= stored << shift;
      if (shift + static_cast<unsigned>(bits) > 32) line[groups + g] |= stored >> (32 - shift);
    }
  }
}

}  // namespace hf
