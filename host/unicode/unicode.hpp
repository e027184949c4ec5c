// UTF-8 and character classes, with the answers of the reference tokenizer library.
// Not a normalizer (nfc.hpp) and not a locale: nothing here depends on the machine's libraries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::text {

// Bits of char_classes. Their tables are taken from the reference itself (unicode_ranges.cpp),
// whose parts carry different versions of Unicode.
enum : uint8_t {
  k_letter = 1,        // \p{L} of the regex engine
  k_number = 2,        // \p{N}
  k_space = 4,         // \s = White_Space
  k_mark = 8,          // \p{M}
  k_numeric = 16,      // what the Digits pre-tokenizer splits off
  k_word = 32,         // \w as single_word added tokens see it
  k_nfc_active = 64,   // NFC may change or move it, or compose it with its predecessor
  k_punctuation = 128  // what the Punctuation pre-tokenizer splits off
};

// Two-level table: 4352 blocks of 256 code points, equal blocks shared.
class class_table {
 public:
  static const class_table &instance();
  uint8_t operator[](char32_t cp) const {
    return blocks_[size_t{index_[cp >> 8]} * 256 + (cp & 255)];
  }
  const uint8_t *ascii() const { return blocks_.data(); }  // [128]; block 0 comes first

 private:
  class_table();
  uint16_t index_[0x1100];
  std::basic_string<uint8_t> blocks_;
};

inline uint8_t char_classes(char32_t cp) {
  return class_table::instance()[cp];
}

struct decoded_char {
  char32_t code_point;
  uint32_t n_bytes;
};

// The character at p, in text that is known to be valid UTF-8.
inline decoded_char decode_valid(const char *p) {
  const auto b = reinterpret_cast<const unsigned char *>(p);
  if (b[0] < 0x80) return {b[0], 1};
  if (b[0] < 0xE0) return {char32_t((b[0] & 31u) << 6 | (b[1] & 63u)), 2};
  if (b[0] < 0xF0) return {char32_t((b[0] & 15u) << 12 | (b[1] & 63u) << 6 | (b[2] & 63u)), 3};
  return {char32_t((b[0] & 7u) << 18 | (b[1] & 63u) << 12 | (b[2] & 63u) << 6 | (b[3] & 63u)), 4};
}

// The character that ends before p, in valid UTF-8 with at least one character before p.
inline decoded_char decode_before(const char *p) {
  const char *q = p - 1;
  while ((static_cast<unsigned char>(*q) & 0xC0) == 0x80) --q;
  return decode_valid(q);
}

void append_utf8(std::string &out, char32_t cp);

struct utf8_check {
  size_t valid_bytes;  // length of the longest valid prefix
  size_t bad_bytes;    // bytes of the maximal invalid subsequence after it (Unicode 3.9, U+FFFD
                       // substitution of maximal subparts); 0 if the text ended
  bool incomplete;     // the bad bytes are a proper prefix of a character cut off by the end
};
utf8_check check_utf8(std::string_view bytes);

// Throws error(failed) naming `what` and the byte offset if the text is not UTF-8.
void require_utf8(std::string_view text, const char *what);

// Appends bytes as text, one U+FFFD for each maximal invalid subsequence.
void append_lossy(std::string &out, std::string_view bytes);

}  // namespace assay::text
