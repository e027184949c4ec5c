// Formats texts with % as Python does: '%s is %d' % (name, n).
// jinja/methods_str.cpp has the method str.format.
#include <cstdio>

#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

// Each conversion such as %s takes the next value of a tuple, a named value of a dict, or, if
// `values` is neither of these, `values` itself.
class formatter {
 public:
  formatter(machine &m, const value &values)
      : m_(m), mapping_(values.is(kind::dict)), values_(values) {
    if (values.is(kind::tuple))
      items_ = values.as_list().items;
    else
      items_ = {values};
  }

  std::string run(std::string_view format) {
    std::string out;
    for (size_t i = 0; i < format.size();) {
      if (format[i] != '%') {
        out += format[i++];
        continue;
      }
      i = conversion(format, i + 1, out);
      current_budget().take(32);
    }
    if (!mapping_ && !values_.is(kind::list) && used_ < items_.size())
      m_.fail("not all arguments converted during string formatting");
    return out;
  }

 private:
  const value &next() {
    if (used_ >= items_.size()) m_.fail("not enough arguments for format string");
    return items_[used_++];
  }

  // Appends one formatted value. i is the place after its %; returns the place after the conversion.
  size_t conversion(std::string_view f, size_t i, std::string &out) {
    const auto peek = [&](size_t at) { return at < f.size() ? f[at] : '\0'; };
    const value *named = nullptr;
    if (peek(i) == '(') {
      const size_t close = f.find(')', i);
      if (close == std::string_view::npos || !mapping_) m_.fail("a %(name) format needs a mapping");
      named = values_.as_dict().find(f.substr(i + 1, close - i - 1));
      if (!named)
        m_.fail("the format's name '" + std::string(f.substr(i + 1, close - i - 1)) +
                "' is missing");
      i = close + 1;
    }
    std::string flags;
    while (peek(i) != '\0' && std::string_view("-+ 0#").find(peek(i)) != std::string_view::npos)
      flags += f[i++];
    int width = 0, precision = -1;
    i = number(f, i, width);
    if (peek(i) == '.') {
      precision = 0;
      i = number(f, i + 1, precision);
    }
    const char type = peek(i);
    if (type == '%') {
      out += '%';
      return i + 1;
    }
    const value &v = named ? *named : next();
    out += padded(convert(type, v, flags, precision), flags, width);
    return i + 1;
  }

  // Reads the digits of a width or precision at i into n; returns the place after them.
  size_t number(std::string_view f, size_t i, int &n) {
    while (i < f.size() && f[i] >= '0' && f[i] <= '9') {
      n = n * 10 + (f[i++] - '0');
      if (n > 1000) m_.fail("a format wider than 1000 characters");
    }
    return i;
  }

  // Returns v as text, without padding. precision: -1 = not given.
  std::string convert(char type, const value &v, const std::string &flags, int precision) {
    char buffer[1500];
    const auto spec = [&](const char *conversion) {
      std::string s = "%";
      for (const char c : flags)
        if (c == '+' || c == ' ' || c == '#') s += c;
      if (precision >= 0) s += "." + std::to_string(precision);
      return s + conversion;
    };
    switch (type) {
      case 's':
      case 'r': {
        std::string text;
        if (type == 's')
          append_text(text, v);
        else
          append_repr(text, v);
        if (precision >= 0) text.resize(byte_of_char(text, static_cast<size_t>(precision)));
        return text;
      }
      case 'd':
      case 'i':
      case 'u': {
        if (!v.is_number())
          m_.fail(std::string("%d format: a real number is required, not ") + type_name(v));
        const long long n = v.is_integral() ? v.as_integer() : static_cast<long long>(v.as_real());
        std::snprintf(buffer, sizeof buffer, spec("lld").c_str(), n);
        return buffer;
      }
      case 'x':
      case 'X':
      case 'o': {
        if (!v.is_integral() || v.as_integer() < 0)
          m_.fail("%x format: a whole number is required");
        const char conversion[] = {'l', 'l', type, '\0'};
        std::snprintf(buffer, sizeof buffer, spec(conversion).c_str(),
                      static_cast<unsigned long long>(v.as_integer()));
        return buffer;
      }
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': {
        if (!v.is_number()) m_.fail(std::string("must be real number, not ") + type_name(v));
        const char conversion[] = {type, '\0'};
        std::snprintf(buffer, sizeof buffer, spec(conversion).c_str(), v.as_real());
        return buffer;
      }
      default:
        m_.fail(std::string("the format character '") + type + "' is not supported");
    }
  }

  // Pads to `width` characters: with spaces on the right for '-', with zeros after the sign for '0',
  // else with spaces on the left.
  static std::string padded(std::string text, const std::string &flags, int width) {
    const size_t n = count_chars(text);
    if (n >= static_cast<size_t>(width)) return text;
    const size_t missing = static_cast<size_t>(width) - n;
    if (flags.find('-') != std::string::npos) return text.append(missing, ' ');
    if (flags.find('0') != std::string::npos) {
      const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
      return text.insert(sign ? 1 : 0, missing, '0');
    }
    return text.insert(0, missing, ' ');
  }

  machine &m_;
  bool mapping_;
  value values_;
  std::vector<value> items_;
  size_t used_ = 0;
};

}  // namespace

std::string format_percent(machine &m, std::string_view format, const value &values) {
  return formatter(m, values).run(format);
}

}  // namespace assay::text::jinja
