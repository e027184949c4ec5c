// Maps bytes to characters by the byte-level alphabet of GPT-2, in which a printable character
// stands for each byte, so that a token can hold any bytes. Normalizer, pre-tokenizer, BPE model
// and detokenizer of byte-level models use it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::text {

// The bytes 0x21-0x7E, 0xA1-0xAC and 0xAE-0xFF become the characters of the same number. The other
// 68 bytes, in increasing order, become U+0100, U+0101, ... For example, 0x20 becomes U+0120.
char32_t byte_to_char(uint8_t byte);
int char_to_byte(char32_t cp);  // -1 if the character represents no byte

// Appends the character of each byte to `out`, in UTF-8.
void append_byte_chars(std::string &out, std::string_view bytes);
// Returns the bytes that the characters of a token represent, or nullopt if one of the characters
// represents no byte.
std::optional<std::string> token_bytes(std::string_view token_utf8);

}  // namespace assay::text
