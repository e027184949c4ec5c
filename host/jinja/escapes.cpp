// Replaces the escapes in string literals as Jinja2, Python's template library, does: with Python's
// codec unicode_escape. Raw strings and byte strings do not exist in templates.
#include "jinja/escapes.hpp"

#include <cstdio>

#include "jinja/lexer.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Returns the code point of exactly n hexadecimal digits at i.
char32_t hex_number(std::string_view s, size_t i, size_t n, int line) {
  char32_t number = 0;
  for (size_t k = 0; k < n; ++k) {
    const int digit = i + k < s.size() ? hex_digit(s[i + k]) : -1;
    if (digit < 0) fail_at(line, "an incomplete \\x, \\u or \\U escape in a string");
    number = number * 16 + static_cast<char32_t>(digit);
  }
  if (number > 0x10FFFF || (number >= 0xD800 && number < 0xE000))
    fail_at(line, "an escape in a string that is no character");
  return number;
}

// Appends the character of the octal escape at i, up to three digits. Returns the number of digits.
size_t octal_number(std::string_view s, size_t i, std::string &out) {
  char32_t number = 0;
  size_t n = 0;
  while (n < 3 && i + n < s.size() && s[i + n] >= '0' && s[i + n] <= '7')
    number = number * 8 + static_cast<char32_t>(s[i + n++] - '0');
  append_utf8(out, number);
  return n;
}

constexpr std::string_view k_simple = "abfnrtv\\'\"";
constexpr std::string_view k_meaning = "\a\b\f\n\r\t\v\\'\"";

}  // namespace

std::string unescape(std::string_view s, int line) {
  std::string out;
  for (size_t i = 0; i < s.size();) {
    if (s[i] != '\\' || i + 1 >= s.size()) {
      out += s[i++];
      continue;
    }
    const char c = s[i + 1];
    const size_t simple = k_simple.find(c);
    i += 2;
    if (simple != std::string_view::npos) {
      out += k_meaning[simple];
    } else if (c == '\n') {
      continue;  // a backslash at the end of a line joins it with the next one
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      append_utf8(out, hex_number(s, i, n, line));
      i += n;
    } else if (c >= '0' && c <= '7') {
      i += octal_number(s, i - 1, out) - 1;
    } else if (c == 'N') {
      fail_at(line, "the escape \\N{...} in a string, which is not supported");
    } else if (static_cast<unsigned char>(c) < 0x80) {
      out += '\\';
      out += c;
    } else {
      // A backslash before a character beyond ASCII. Jinja2 first writes such a character as \xHH,
      // \uHHHH or \UHHHHHHHH, and then takes the two backslashes in a row for one. So a backslash
      // before é gives the four characters \xe9.
      const decoded_char d = decode_valid(s.data() + i - 1);
      char text[16];
      const char *format = d.code_point < 0x100     ? "\\x%02x"
                           : d.code_point < 0x10000 ? "\\u%04x"
                                                    : "\\U%08x";
      std::snprintf(text, sizeof text, format, static_cast<unsigned>(d.code_point));
      out += text;
      i += d.n_bytes - 1;
    }
  }
  return out;
}

}  // namespace assay::text::jinja
