// Computes the alphabet of GPT-2, in which a printable character stands for each byte, and the way
// back from characters to bytes. All byte-level models use it. byte_alphabet.hpp has its rule.
#include "text/byte_alphabet.hpp"

#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

struct alphabet {
  std::array<char32_t, 256> to_char;
  std::array<int16_t, 0x144> to_byte;  // highest character is U+0143

  alphabet() {
    to_byte.fill(-1);
    char32_t next = 0x100;
    for (unsigned b = 0; b < 256; ++b) {
      const bool itself = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      to_char[b] = itself ? b : next++;
      to_byte[to_char[b]] = static_cast<int16_t>(b);
    }
  }
};

const alphabet &table() {
  static const alphabet instance;
  return instance;
}

}  // namespace

char32_t byte_to_char(uint8_t byte) {
  return table().to_char[byte];
}

int char_to_byte(char32_t cp) {
  return cp < 0x144 ? table().to_byte[cp] : -1;
}

void append_byte_chars(std::string &out, std::string_view bytes) {
  for (const char c : bytes) append_utf8(out, byte_to_char(static_cast<uint8_t>(c)));
}

std::optional<std::string> token_bytes(std::string_view token_utf8) {
  std::string bytes;
  for (size_t i = 0; i < token_utf8.size();) {
    const decoded_char c = decode_valid(token_utf8.data() + i);
    const int byte = char_to_byte(c.code_point);
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    i += c.n_bytes;
  }
  return bytes;
}

}  // namespace assay::text
