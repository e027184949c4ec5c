// Decodes and encodes UTF-8, and looks characters up in the tables that were made with Python.
#include "python_text.hpp"

#include <algorithm>
#include <vector>

namespace answers {
namespace {

// The code point k_stray_byte + b stands for a byte b that is not UTF-8.
constexpr char32_t k_stray_byte = 0xDC00, k_capital_sigma = 0x3A3, k_sigma = 0x3C3,
                   k_final_sigma = 0x3C2, k_dotted_capital_i = 0x130, k_dot_above = 0x307;

// Code points [first, end).
struct run {
  char32_t first, end;
};

class character_set {
 public:
  character_set(const uint32_t *numbers, size_t count) {
    char32_t end = 0;
    for (size_t i = 0; i + 1 < count; i += 2) {
      const char32_t first = end + numbers[i];
      end = first + numbers[i + 1];
      runs_.push_back({first, end});
    }
  }
  bool has(char32_t c) const {
    const auto above = std::upper_bound(runs_.begin(), runs_.end(), c,
                                        [](char32_t a, const run &one) { return a < one.first; });
    return above != runs_.begin() && c < std::prev(above)->end;
  }

 private:
  std::vector<run> runs_;
};

char32_t lower_of(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
  for (size_t i = 0; i + 3 < tables::k_lower_count; i += 4) {
    const int64_t from = int64_t{c} - tables::k_lower[i], step = tables::k_lower[i + 2];
    if (from < 0) break;  // the runs are sorted by their first character
    if (from < tables::k_lower[i + 1] * step && from % step == 0)
      return static_cast<char32_t>(int64_t{c} + tables::k_lower[i + 3]);
  }
  return c;
}

bool is_cased(char32_t c) {
  static const character_set all(tables::k_cased, tables::k_cased_count);
  return all.has(c);
}

bool is_case_ignorable(char32_t c) {
  static const character_set all(tables::k_case_ignorable, tables::k_case_ignorable_count);
  return all.has(c);
}

// Whether the capital sigma ends a word, so that its lower case is ς (Unicode 3.13, Final_Sigma): a letter that has a case comes
// before it and none after it. Characters that are "case-ignorable", such as accents, are skipped.
bool ends_word(std::u32string_view text, size_t sigma) {
  size_t before = sigma;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  size_t after = sigma + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

// Returns the length in bytes of the first character of `utf8`, or 0 if it is not valid UTF-8.
size_t character_bytes(std::string_view utf8) {
  const auto byte = [utf8](size_t i) { return static_cast<unsigned char>(utf8[i]); };
  const unsigned char lead = byte(0);
  const size_t n = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (n == 0 || lead > 0xF4 || utf8.size() < n) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool outside = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return overlong || outside ? 0 : n;
}

}  // namespace

std::u32string decoded(std::string_view utf8) {
  std::u32string out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    const size_t n = character_bytes(utf8);
    const auto lead = static_cast<unsigned char>(utf8.front());
    char32_t c = n == 0 ? k_stray_byte + lead : n == 1 ? lead : lead & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; ++i) c = c << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3F);
    out += c;
    utf8.remove_prefix(std::max<size_t>(n, 1));
  }
  return out;
}

std::string encoded(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto add = [&out](char32_t byte) { out += static_cast<char>(byte); };
  const auto continuation = [&add](char32_t c, int shift) { add(0x80 | (c >> shift & 0x3F)); };
  for (const char32_t c : text) {
    if (c < 0x80 || (c >= k_stray_byte && c <= k_stray_byte + 0xFF)) {
      add(c & 0xFF);
    } else if (c < 0x800) {
      add(0xC0 | c >> 6), continuation(c, 0);
    } else if (c < 0x10000) {
      add(0xE0 | c >> 12), continuation(c, 6), continuation(c, 0);
    } else {
      add(0xF0 | c >> 18), continuation(c, 12), continuation(c, 6), continuation(c, 0);
    }
  }
  return out;
}

std::u32string python_lower(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == k_capital_sigma)
      out += ends_word(text, i) ? k_final_sigma : k_sigma;
    else if (text[i] == k_dotted_capital_i)
      out += {U'i', k_dot_above};
    else
      out += lower_of(text[i]);
  }
  return out;
}

bool is_python_space(char32_t c) {
  static const character_set all(tables::k_space, tables::k_space_count);
  return all.has(c);
}

bool is_python_word(char32_t c) {
  static const character_set all(tables::k_word, tables::k_word_count);
  return all.has(c);
}

}  // namespace answers
