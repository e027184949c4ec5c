// Checks whether bytes that come in pieces are UTF-8. By RFC 3629 a character must have its shortest
// form, be no surrogate and be at most U+10FFFF. The check decodes nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace text_dataset {

class utf8_check {
 public:
  // Checks the next piece. Returns false at the first bad character; the functions below then tell where
  // it begins and with which byte.
  bool feed(std::string_view bytes) {
    for (const char c : bytes) {
      if (missing_ == 0) {
        start_ = position_;
        first_ = static_cast<unsigned char>(c);
      }
      if (!step(static_cast<unsigned char>(c))) return false;
      ++position_;
      lines_ += c == '\n' ? 1 : 0;
    }
    return true;
  }
  bool complete() const { return missing_ == 0; }  // false: the bytes end inside a character
  uint64_t character_start_bytes() const { return start_; }  // from 0, over all pieces
  unsigned char first_byte() const { return first_; }
  uint64_t line() const { return lines_ + 1; }

 private:
  bool step(unsigned char byte) {
    if (missing_ > 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xBF;
      --missing_;
      return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xC2 || byte > 0xF4) return false;
    missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;   // shortest form
    high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;  // no surrogate; up to U+10FFFF
    return true;
  }

  uint64_t position_ = 0, start_ = 0, lines_ = 0;
  unsigned char first_ = 0;
  int missing_ = 0;
  unsigned char low_ = 0x80, high_ = 0xBF;  // limits of the next byte
};

}  // namespace text_dataset
