// UTF-8 and classes of characters (letter, number, space ...), as the Hugging Face library `tokenizers` sees them.
// Nothing depends on the machine's locale. Normalization of text is in nfc.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace assay::text {

// Bits of char_classes. The arrays in unicode_ranges.cpp were made by asking the library `tokenizers` about every
// character, because the parts of this library use different versions of Unicode.
enum : uint8_t {
  k_letter = 1,    // \p{L} in the library's regular expressions
  k_number = 2,    // \p{N}
  k_space = 4,     // \s, which is White_Space of Unicode
  k_mark = 8,      // \p{M}: accents and other characters that combine with the one before
  k_numeric = 16,  // split off by the library's pre-tokenizer Digits
  k_word = 32,     // \w; next to such a character an added token with single_word is not found
  // Normalization to NFC may change or move it, or merge it with the character before
  k_nfc_active = 64,
  k_punctuation = 128  // split off by the library's pre-tokenizer Punctuation
};

// The classes of all code points, in 4352 blocks of 256. Equal blocks are stored once, in blocks_; index_ has the place
// of each block.
class class_table {
 public:
  static const class_table &instance();
  uint8_t operator[](char32_t cp) const {
    return blocks_[size_t{index_[cp >> 8]} * 256 + (cp & 255)];
  }
  // The classes of the 128 ASCII characters: block 0 is stored first
  const uint8_t *ascii() const { return blocks_.data(); }

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

// The character that begins at p. The text must be valid UTF-8.
inline decoded_char decode_valid(const char *p) {
  const auto b = reinterpret_cast<const unsigned char *>(p);
  if (b[0] < 0x80) return {b[0], 1};
  if (b[0] < 0xE0) return {char32_t((b[0] & 31u) << 6 | (b[1] & 63u)), 2};
  if (b[0] < 0xF0) return {char32_t((b[0] & 15u) << 12 | (b[1] & 63u) << 6 | (b[2] & 63u)), 3};
  return {char32_t((b[0] & 7u) << 18 | (b[1] & 63u) << 12 | (b[2] & 63u) << 6 | (b[3] & 63u)), 4};
}

// The character that ends just before p. The text must be valid UTF-8 and have a character there.
inline decoded_char decode_before(const char *p) {
  const char *q = p - 1;
  while ((static_cast<unsigned char>(*q) & 0xC0) == 0x80) --q;
  return decode_valid(q);
}

void append_utf8(std::string &out, char32_t cp);

struct utf8_check {
  size_t valid_bytes;  // length of the longest valid beginning
  // Number of bytes after this beginning that one U+FFFD replaces (Unicode 3.9, "U+FFFD Substitution of Maximal
  // Subparts"); 0 if all bytes are valid
  size_t bad_bytes;
  // True if the bad bytes may be the beginning of a character that the end of the text cuts off
  bool incomplete;
};
utf8_check check_utf8(std::string_view bytes);

// Throws error(failed) if the text is not UTF-8. The message has `what` (a name of the text, such as "the chat
// template") and the offset of the bad byte.
void require_utf8(std::string_view text, const char *what);

// Appends the bytes to `out` as UTF-8. A U+FFFD (replacement character) takes the place of each run of bad bytes that
// one call of check_utf8 finds.
void append_lossy(std::string &out, std::string_view bytes);

}  // namespace assay::text
