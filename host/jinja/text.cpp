// Operations on texts that filters and methods share: case, lines, stripping, replacing. They give the
// results of Python's str. Texts are valid UTF-8.
#include <utf8proc.h>

#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

// Calls f(code point, byte offset) for each character.
template <class F>
void each_char(std::string_view s, F f) {
  for (size_t i = 0; i < s.size();) {
    const decoded_char c = decode_valid(s.data() + i);
    f(c.code_point, i);
    i += c.n_bytes;
  }
}

bool is_cased(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT;
}

bool is_letter_before(std::string_view s, size_t i) {
  return i > 0 && is_cased(decode_before(s.data() + i).code_point);
}

// Appends the upper case of a character. utf8proc maps a character to one character, so the usual
// characters with a longer upper case (ß becomes SS) are listed here. Some rare ones, such as Greek
// letters with several marks, are not.
void append_upper(std::string &out, char32_t c) {
  switch (c) {
    case 0xDF:
      out += "SS";
      return;
    case 0x149:
      out += "\u02BCN";
      return;
    case 0x1F0:
      out += "J\u030C";
      return;
    case 0x587:
      out += "\u0535\u0552";
      return;
    case 0xFB00:
      out += "FF";
      return;
    case 0xFB01:
      out += "FI";
      return;
    case 0xFB02:
      out += "FL";
      return;
    case 0xFB03:
      out += "FFI";
      return;
    case 0xFB04:
      out += "FFL";
      return;
    case 0xFB05:
    case 0xFB06:
      out += "ST";
      return;
    default:
      append_utf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}

// Appends the lower case of the character c at s[i]. A capital sigma (U+03A3) at a word's end has a
// lower case of its own.
void append_lower(std::string &out, std::string_view s, size_t i, char32_t c) {
  if (c == 0x130) {
    out += "i\u0307";
  } else if (c == 0x3A3) {
    const size_t after = i + 2;
    const bool letter_after =
        after < s.size() && is_cased(decode_valid(s.data() + after).code_point);
    out += is_letter_before(s, i) && !letter_after ? "\u03C2" : "\u03C3";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

// Returns whether Python's str.splitlines cuts after c.
bool ends_line(char32_t c) {
  return c == '\n' || c == '\r' || c == 0x0B || c == 0x0C || (c >= 0x1C && c <= 0x1E) ||
         c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

bool is_python_space(char32_t c) {
  return (char_classes(c) & k_space) || (c >= 0x1C && c <= 0x1F);
}

std::string upper(std::string_view s) {
  std::string out;
  each_char(s, [&](char32_t c, size_t) { append_upper(out, c); });
  return out;
}

std::string lower(std::string_view s) {
  std::string out;
  each_char(s, [&](char32_t c, size_t i) { append_lower(out, s, i, c); });
  return out;
}

std::string capitalized(std::string_view s) {
  std::string out;
  each_char(s, [&](char32_t c, size_t i) {
    if (i > 0) return append_lower(out, s, i, c);
    if (c == 0xDF)
      out += "Ss";  // title case
    else
      append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  });
  return out;
}

std::string titled(std::string_view s) {
  std::string out;
  each_char(s, [&](char32_t c, size_t i) {
    if (is_letter_before(s, i)) return append_lower(out, s, i, c);
    if (c == 0xDF)
      out += "Ss";
    else
      append_utf8(out, static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  });
  return out;
}

std::vector<std::string_view> split_lines(std::string_view s, bool keep_ends) {
  std::vector<std::string_view> lines;
  size_t start = 0, skip_to = 0;
  each_char(s, [&](char32_t c, size_t i) {
    if (i < skip_to || !ends_line(c)) return;
    size_t end = i + decode_valid(s.data() + i).n_bytes;
    if (c == '\r' && end < s.size() && s[end] == '\n') ++end;
    lines.push_back(s.substr(start, (keep_ends ? end : i) - start));
    start = skip_to = end;
  });
  if (start < s.size()) lines.push_back(s.substr(start));
  return lines;
}

std::string_view stripped(std::string_view s, const std::string_view *chars, bool left,
                          bool right) {
  const auto goes = [&](char32_t c, std::string_view bytes) {
    return chars ? chars->find(bytes) != std::string_view::npos : is_python_space(c);
  };
  while (left && !s.empty()) {
    const decoded_char c = decode_valid(s.data());
    if (!goes(c.code_point, s.substr(0, c.n_bytes))) break;
    s.remove_prefix(c.n_bytes);
  }
  while (right && !s.empty()) {
    const decoded_char c = decode_before(s.data() + s.size());
    if (!goes(c.code_point, s.substr(s.size() - c.n_bytes))) break;
    s.remove_suffix(c.n_bytes);
  }
  return s;
}

std::string replaced(machine &m, std::string_view s, std::string_view from, std::string_view to,
                     int64_t count) {
  m.work(s.size());
  std::string out;
  const auto put = [&](std::string_view part) {
    current_budget().take(part.size());
    out += part;
  };
  if (from.empty()) {  // as in Python, puts `to` before every character and at the end
    each_char(s, [&](char32_t, size_t i) {
      if (count != 0) put(to), --count;
      put(s.substr(i, decode_valid(s.data() + i).n_bytes));
    });
    if (count != 0) put(to);
    return out;
  }
  size_t done = 0;
  for (size_t at = s.find(from); at != std::string_view::npos && count != 0;
       at = s.find(from, done), --count) {
    put(s.substr(done, at - done));
    put(to);
    done = at + from.size();
  }
  put(s.substr(done));
  return out;
}

std::string escaped(machine &m, const value &v) {
  if (v.is_marked()) return std::string(v.as_text());
  std::string out;
  for (const char c : m.to_text(v)) {
    constexpr std::string_view k_special = "&<>\"'";
    constexpr const char *k_entities[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    if (const size_t place = k_special.find(c); place != std::string_view::npos)
      out += k_entities[place];
    else
      out += c;
  }
  return out;
}

}  // namespace assay::text::jinja
