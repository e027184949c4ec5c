// The byte-level alphabet of GPT-2: every byte has a printable character that stands for it.
// Not an encoding of text; see the ByteLevel parts of pre_tokenizer and detokenizer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::text {

// Bytes 0x21-0x7E, 0xA1-0xAC, 0xAE-0xFF stand for themselves; the other 68, in increasing order,
// are U+0100, U+0101, ... (0x20 is U+0120).
char32_t byte_to_char(uint8_t byte);
int char_to_byte(char32_t cp);  // -1 if the character stands for no byte

void append_byte_chars(std::string &out, std::string_view bytes);
// The bytes that a token stands for; nullopt if one of its characters stands for none.
std::optional<std::string> token_bytes(std::string_view token_utf8);

}  // namespace assay::text
