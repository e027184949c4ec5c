// JSON for plugins written in C++: reads records and nested configurations into a tree, and writes
// text. It is header-only and compiled into the plugin. It is slow for objects with many keys, because
// find() looks at one member after another.
#ifndef ASSAY_JSON_HPP
#define ASSAY_JSON_HPP

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay_json {

enum class type { null, boolean, number, string, array, object };

inline const char *name_of(type kind) {  // the text lives as long as the process
  constexpr const char *k_names[] = {"null", "boolean", "number", "string", "array", "object"};
  return k_names[static_cast<int>(kind)];
}

// A JSON value; only the members of its kind are set.
struct value {
  type kind = type::null;
  bool truth = false;
  double number = 0.0;
  std::string text;  // of a string; for a number, its digits as they were written
  std::vector<value> items;
  std::vector<std::pair<std::string, value>> members;  // in the order of the text

  // Defined below, after the class: only there clang knows the size of a pair that holds a value.
  value();
  value(const value &);
  value(value &&) noexcept;
  value &operator=(const value &);
  value &operator=(value &&) noexcept;
  ~value();

  // The member with this key, borrowed from this value; nullptr if there is none or this is not an object.
  // If a key comes twice, the last one counts.
  const value *find(std::string_view key) const {
    for (auto member = members.rbegin(); member != members.rend(); ++member)
      if (member->first == key) return &member->second;
    return nullptr;
  }
  // The member's value, or `otherwise` where the member is absent or of another type.
  std::string string_or(std::string_view key, const std::string &otherwise) const {
    const value *found = find(key);
    return found != nullptr && found->kind == type::string ? found->text : otherwise;
  }
  double number_or(std::string_view key, double otherwise) const {
    const value *found = find(key);
    return found != nullptr && found->kind == type::number ? found->number : otherwise;
  }
  bool bool_or(std::string_view key, bool otherwise) const {
    const value *found = find(key);
    return found != nullptr && found->kind == type::boolean ? found->truth : otherwise;
  }
  // Return the member's value. They throw std::runtime_error if the member is absent or of another type. They are for
  // configurations, in which the host has filled in the defaults of the schema.
  const std::string &string(std::string_view key) const { return member(key, type::string).text; }
  bool boolean(std::string_view key) const { return member(key, type::boolean).truth; }

 private:
  const value &member(std::string_view key, type wanted) const {
    const value *found = find(key);
    if (found != nullptr && found->kind == wanted) return *found;
    throw std::runtime_error("the configuration has no " + std::string(name_of(wanted)) + " '" +
                             std::string(key) + "'");
  }
};

inline value::value() = default;
inline value::value(const value &) = default;
inline value::value(value &&) noexcept = default;
inline value &value::operator=(const value &) = default;
inline value &value::operator=(value &&) noexcept = default;
inline value::~value() = default;

// parse() throws this if a number is too large for a double; until there the text is valid JSON.
struct number_too_large : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A recursive-descent parser of RFC 8259. A value may lie inside at most 64 lists and objects.
class reader {
 public:
  explicit reader(std::string_view text) : text_(text) {}

  value document() {
    value out = any(0);
    skip_space();
    if (at_ != text_.size()) fail("text after the value");
    return out;
  }

 private:
  [[noreturn]] void fail(const char *what) const {
    throw std::runtime_error(std::string(what) + " at column " + std::to_string(at_ + 1));
  }
  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  char peek() {
    skip_space();
    if (at_ == text_.size()) fail("unexpected end");
    return text_[at_];
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted, const char *complaint) {
    if (!take(wanted)) fail(complaint);
  }
  void word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) fail("unexpected character");
    at_ += wanted.size();
  }

  value any(int depth) {
    if (depth > 64) fail("nested deeper than 64 levels");
    value out;
    switch (peek()) {
      case '{':
        object(out, depth);
        break;
      case '[':
        array(out, depth);
        break;
      case '"':
        out.kind = type::string;
        out.text = string();
        break;
      case 't':
        word("true");
        out.kind = type::boolean;
        out.truth = true;
        break;
      case 'f':
        word("false");
        out.kind = type::boolean;
        break;
      case 'n':
        word("null");
        break;
      default:
        number(out);
    }
    return out;
  }
  void object(value &out, int depth) {
    out.kind = type::object;
    ++at_;
    if (take('}')) return;
    do {
      if (peek() != '"') fail("a key must be a string");
      std::string key = string();
      expect(':', "a key needs a colon");
      out.members.emplace_back(std::move(key), any(depth + 1));
    } while (take(','));
    expect('}', "an object needs a comma or its end");
  }
  void array(value &out, int depth) {
    out.kind = type::array;
    ++at_;
    if (take(']')) return;
    do out.items.push_back(any(depth + 1));
    while (take(','));
    expect(']', "an array needs a comma or its end");
  }
  size_t digits() {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - start;
  }
  void number(value &out) {
    const size_t start = at_;
    if (text_[at_] == '-') ++at_;
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    const size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) fail("unexpected character");
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (digits() == 0) fail("a number needs digits after its point");
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      if (digits() == 0) fail("a number needs digits in its exponent");
    }
    out.kind = type::number;
    out.text = text_.substr(start, at_ - start);
    out.number = std::strtod(out.text.c_str(), nullptr);
    if (std::isinf(out.number))
      throw number_too_large("the number at column " + std::to_string(start + 1) +
                             " is beyond 1.8e308");
  }
  std::string string() {
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (static_cast<unsigned char>(text_[at_]) < 0x20)
        fail("a bare control character in a string");
      if (text_[at_] == '\\')
        escape(out);
      else
        out += text_[at_];
    }
    if (at_ == text_.size()) fail("a string without end");
    ++at_;
    return out;
  }
  void escape(std::string &out) {
    if (++at_ == text_.size()) fail("a string without end");
    constexpr std::string_view k_from = "\"\\/bfnrt", k_to = "\"\\/\b\f\n\r\t";
    if (const size_t place = k_from.find(text_[at_]); place != std::string_view::npos) {
      out += k_to[place];
      return;
    }
    if (text_[at_] != 'u') fail("unknown escape");
    uint32_t code = code_unit();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_ + 1, 2) == "\\u") {
      at_ += 2;
      const uint32_t low = code_unit();
      if (low < 0xDC00 || low > 0xDFFF) fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    if (code >= 0xD800 && code <= 0xDFFF) fail("half a surrogate pair");
    append_utf8(out, code);
  }
  uint32_t code_unit() {  // four hex digits; at_ moves from the 'u' to the last digit
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      constexpr std::string_view k_digits = "0123456789abcdef";
      if (++at_ >= text_.size()) fail("a string without end");
      const char c =
          text_[at_] >= 'A' && text_[at_] <= 'F' ? static_cast<char>(text_[at_] + 32) : text_[at_];
      const size_t digit = k_digits.find(c);
      if (digit == std::string_view::npos) fail("a \\u escape needs four hexadecimal digits");
      code = code << 4 | static_cast<uint32_t>(digit);
    }
    return code;
  }
  static void append_utf8(std::string &out, uint32_t code) {
    const auto add = [&](uint32_t byte) {
      out += static_cast<char>(static_cast<unsigned char>(byte));
    };
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xC0 | code >> 6), add(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 0x3F)), add(0x80 | (code & 0x3F));
    } else {
      add(0xF0 | code >> 18), add(0x80 | (code >> 12 & 0x3F));
      add(0x80 | (code >> 6 & 0x3F)), add(0x80 | (code & 0x3F));
    }
  }

  std::string_view text_;
  size_t at_ = 0;
};

// Parses one JSON value. Throws std::runtime_error with the place ("unexpected character at column
// 7"), or number_too_large. A column is the byte's place in the text, from 1.
inline value parse(std::string_view text) {
  return reader(text).document();
}

// Appends the text in quotes, escaped. The bytes must be UTF-8, which is not checked.
inline void append_quoted(std::string &out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // the start of the bytes that are copied unchanged
  constexpr uint64_t k_ones = 0x0101010101010101, k_tops = 0x8080808080808080;
  // Not 0 if one of the eight bytes of x is 0
  const auto has_zero = [](uint64_t x) { return (x - k_ones) & ~x & k_tops; };
  for (size_t i = 0; i < text.size(); ++i) {
    // Skips eight bytes at a time, if none of them is a quote, a backslash or below 0x20
    for (uint64_t eight = 0; text.size() - i > 8; i += 8) {
      std::memcpy(&eight, text.data() + i, 8);
      if ((has_zero(eight ^ (k_ones * '"')) | has_zero(eight ^ (k_ones * '\\')) |
           ((eight - k_ones * 0x20) & ~eight & k_tops)) != 0)
        break;
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    constexpr std::string_view k_special = "\"\\\n\r\t", k_letter = "\"\\nrt";
    out += '\\';
    if (const size_t place = k_special.find(text[i]); place != std::string_view::npos) {
      out += k_letter[place];
    } else {
      constexpr char k_digits[] = "0123456789abcdef";
      out += "u00";
      out += k_digits[byte >> 4];
      out += k_digits[byte & 15];
    }
  }
  out.append(text, plain, text.size() - plain);
  out += '"';
}

inline std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

// Appends a parsed value as JSON. A number is written as it was in the parsed text.
inline void write(std::string &out, const value &what) {
  switch (what.kind) {
    case type::null:
      out += "null";
      return;
    case type::boolean:
      out += what.truth ? "true" : "false";
      return;
    case type::number:
      out += what.text;
      return;
    case type::string:
      append_quoted(out, what.text);
      return;
    case type::array:
      out += '[';
      for (size_t i = 0; i < what.items.size(); ++i) {
        if (i > 0) out += ',';
        write(out, what.items[i]);
      }
      out += ']';
      return;
    case type::object:
      out += '{';
      for (size_t i = 0; i < what.members.size(); ++i) {
        if (i > 0) out += ',';
        append_quoted(out, what.members[i].first);
        out += ':';
        write(out, what.members[i].second);
      }
      out += '}';
      return;
  }
}

}  // namespace assay_json

#endif
