// Filters on texts and numbers, with the results of Jinja2, Python's template library. Filters on
// sequences are in jinja/filters.cpp, with the table of all filters, and jinja/filters_select.cpp.
#include "jinja/filters.hpp"

#include <cmath>
#include <cstdio>

#include "unicode/unicode.hpp"

namespace assay::text::jinja::filters {
namespace {

// Reads what Python's int(text) reads: white space, a sign, digits with single underscores between
// them. Returns nullopt if the text is not such a number or the number needs more than 63 bits.
std::optional<int64_t> parse_integer(std::string_view s) {
  s = stripped(s, nullptr, true, true);
  bool negative = false;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
    negative = s[0] == '-';
    s.remove_prefix(1);
  }
  if (s.empty() || s.front() == '_' || s.back() == '_') return std::nullopt;
  int64_t n = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '_' && s[i - 1] != '_') continue;
    if (s[i] < '0' || s[i] > '9') return std::nullopt;
    if (__builtin_mul_overflow(n, int64_t{10}, &n) || __builtin_add_overflow(n, s[i] - '0', &n))
      return std::nullopt;
  }
  return negative ? -n : n;
}

// Returns Python's float(text); nullopt if the text is not a number or has an underscore. Letters of
// hexadecimal numbers (0x1p3) are refused first, because strtod reads such numbers and Python does not.
std::optional<double> parse_real(std::string_view s) {
  const std::string text(stripped(s, nullptr, true, true));
  if (text.empty() || text.find_first_of("xXpP") != std::string::npos) return std::nullopt;
  char *end = nullptr;
  const double d = std::strtod(text.c_str(), &end);
  return *end == '\0' ? std::optional<double>(d) : std::nullopt;
}

// Returns d without its fraction; nullopt for NaN and for numbers beyond 63 bits.
std::optional<int64_t> whole(double d) {
  if (!(std::fabs(d) < 9.2e18)) return std::nullopt;
  return static_cast<int64_t>(d);
}

}  // namespace

value upper_filter(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'upper'", given, {});
  return m.text(upper(m.to_text(v)));
}

value lower_filter(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'lower'", given, {});
  return m.text(lower(m.to_text(v)));
}

value capitalize(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'capitalize'", given, {});
  return m.text(capitalized(m.to_text(v)));
}

// Makes the first character of each word upper case, all others lower case. As in Jinja2, words are
// separated by white space, - and opening brackets: "it's a-b" becomes "It's A-B".
value title(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'title'", given, {});
  const std::string s = m.to_text(v);
  std::string out;
  std::string part;
  const auto flush = [&] {
    if (part.empty()) return;
    const size_t n = decode_valid(part.data()).n_bytes;
    out += upper(std::string_view(part).substr(0, n));
    out += lower(std::string_view(part).substr(n));
    part.clear();
  };
  for (size_t i = 0; i < s.size();) {
    const decoded_char c = decode_valid(s.data() + i);
    const std::string_view bytes = std::string_view(s).substr(i, c.n_bytes);
    const bool separates = is_python_space(c.code_point) ||
                           std::string_view("-({[<").find(bytes) != std::string_view::npos;
    if (separates) {
      flush();
      out += bytes;
    } else {
      part += bytes;
    }
    i += c.n_bytes;
  }
  flush();
  return m.text(std::move(out));
}

value trim(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'trim'", given, {"chars"});
  const value s = v.is_string() ? v : m.text(m.to_text(v));
  m.work(s.as_text().size());
  if (!p.has(0) || p.get(0, value()).is_none())
    return value::string(stripped(s.as_text(), nullptr, true, true));
  const std::string chars = p.text(0, "");
  const std::string_view view = chars;
  return value::string(stripped(s.as_text(), &view, true, true));
}

value string(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'string'", given, {});
  return v.is_string() ? v : m.text(m.to_text(v));
}

value replace(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'replace'", given, {"old", "new", "count"});
  const std::string s = m.to_text(v), from = m.to_text(p.required(0)),
                    to = m.to_text(p.required(1));
  return m.text(replaced(m, s, from, to, p.integer(2, -1)));
}

value indent(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'indent'", given, {"width", "first", "blank"});
  const value width = p.get(0, value::integer(4));
  if (!width.is_string() && (!width.is_integral() || width.as_integer() > 10'000))
    m.fail("filter 'indent': the width must be a text or a number up to 10000");
  const std::string space =
      width.is_string()
          ? std::string(width.as_text())
          : std::string(static_cast<size_t>(std::max<int64_t>(0, width.as_integer())), ' ');
  if (!v.is_string()) m.fail(std::string("filter 'indent' needs a str, not ") + type_name(v));
  const std::string s = m.to_text(v) + "\n";  // else split_lines would drop an empty last line
  std::string out;
  bool first_line = true;
  for (const std::string_view line : split_lines(s, false)) {
    current_budget().take(line.size() + space.size());
    if (!first_line) out += "\n";
    if (!first_line && (p.flag(2, false) || !line.empty())) out += space;
    out += line;
    first_line = false;
  }
  return m.text(p.flag(1, false) ? space + out : out);
}

value truncate(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'truncate'", given, {"length", "killwords", "end", "leeway"});
  if (!v.is_string()) m.fail(std::string("filter 'truncate' needs a str, not ") + type_name(v));
  const std::string s = m.to_text(v), end = p.text(2, "...");
  const int64_t length = p.integer(0, 255), leeway = p.integer(3, 5);
  const auto end_chars = static_cast<int64_t>(count_chars(end));
  if (length < end_chars || leeway < 0)
    m.fail("filter 'truncate': 'length' must be at least the length of 'end', 'leeway' at least 0");
  if (static_cast<int64_t>(count_chars(s)) <= length + leeway) return m.text(s);
  std::string cut = s.substr(0, byte_of_char(s, static_cast<size_t>(length - end_chars)));
  if (!p.flag(1, false)) {
    const size_t space = cut.rfind(' ');
    if (space != std::string::npos) cut.resize(space);
  }
  return m.text(cut + end);
}

value wordcount(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'wordcount'", given, {});
  const std::string s = m.to_text(v);
  int64_t n = 0;
  bool in_word = false;
  for (size_t i = 0; i < s.size();) {  // a word is a run of letters, digits and _
    const decoded_char c = decode_valid(s.data() + i);
    const bool word = c.code_point == '_' || (char_classes(c.code_point) & (k_letter | k_number));
    n += word && !in_word;
    in_word = word;
    i += c.n_bytes;
  }
  return value::integer(n);
}

value escape(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'escape'", given, {});
  return m.text(escaped(m, v)).marked();
}

value safe(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'safe'", given, {});
  return (v.is_string() ? v : m.text(m.to_text(v))).marked();
}

value format(machine &m, const value &v, const call_arguments &given) {
  if (!given.positional.empty() && !given.named.empty())
    m.fail("filter 'format' takes positional or named values, not both");
  if (given.named.empty())
    return m.text(format_percent(m, m.to_text(v), m.list(given.positional, kind::tuple)));
  dict_object named;
  for (const auto &[name, item] : given.named) named.set(m.text(std::string(name)), item);
  return m.text(format_percent(m, m.to_text(v), m.dict(std::move(named))));
}

value tojson(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'tojson'", given,
                     {"ensure_ascii", "indent", "separators", "sort_keys"});
  json_style style;
  style.ensure_ascii = p.flag(0, false);
  style.sort_keys = p.flag(3, false);
  const value indent_by = p.get(1, value::none());
  if (indent_by.is_string()) {
    style.indent = std::string(indent_by.as_text());
  } else if (indent_by.is_integral()) {
    if (indent_by.as_integer() > 1000) m.fail("filter 'tojson': an indent of more than 1000");
    style.indent =
        std::string(static_cast<size_t>(std::max<int64_t>(0, indent_by.as_integer())), ' ');
  } else if (!indent_by.is_none()) {
    m.fail("filter 'tojson': 'indent' must be a number or a text");
  }
  if (style.indent) style.item_separator = ",";
  const value separators = p.get(2, value::none());
  if (!separators.is_none()) {
    const std::vector<value> both = m.iterate(separators);
    if (both.size() != 2 || !both[0].is_string() || !both[1].is_string())
      m.fail("filter 'tojson': 'separators' must be two texts");
    style.item_separator = both[0].as_text();
    style.key_separator = both[1].as_text();
  }
  return m.text(dump_json(m, v, style));
}

value integer(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'int'", given, {"default", "base"});
  if (p.integer(1, 10) != 10) m.fail("filter 'int' with a base other than 10 is not supported");
  if (v.is_undefined()) m.fail("'" + std::string(v.as_text()) + "' is undefined");
  if (v.is_integral()) return value::integer(v.as_integer());
  std::optional<int64_t> n;
  if (v.is_string()) n = parse_integer(v.as_text());
  if (!n && v.is(kind::real)) n = whole(v.as_real());
  if (!n && v.is_string())
    if (const auto d = parse_real(v.as_text())) n = whole(*d);
  return n ? value::integer(*n) : p.get(0, value::integer(0));
}

value real(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'float'", given, {"default"});
  if (v.is_undefined()) m.fail("'" + std::string(v.as_text()) + "' is undefined");
  if (v.is_number()) return value::real(v.as_real());
  std::optional<double> d;
  if (v.is_string()) d = parse_real(v.as_text());
  return d ? value::real(*d) : p.get(0, value::real(0.0));
}

value abs_filter(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'abs'", given, {});
  if (v.is(kind::real)) return value::real(std::fabs(v.as_real()));
  if (!v.is_integral()) m.fail(std::string("bad operand type for abs(): '") + type_name(v) + "'");
  return v.as_integer() < 0 ? apply(m, op::subtract, value::integer(0), v)
                            : value::integer(v.as_integer());
}

value round(machine &m, const value &v, const call_arguments &given) {
  const parameters p(m, "filter 'round'", given, {"precision", "method"});
  const std::string method = p.text(1, "common");
  const int64_t precision = p.integer(0, 0);
  if (!v.is_number()) m.fail(std::string("filter 'round' needs a number, not ") + type_name(v));
  if (precision < 0 || precision > 300) m.fail("filter 'round': a precision outside 0 ... 300");
  if (method == "common") {
    if (v.is_integral()) return value::integer(v.as_integer());
    char digits[700];  // like Python, printf rounds the exact binary value and ties to even
    std::snprintf(digits, sizeof digits, "%.*f", static_cast<int>(precision), v.as_real());
    return value::real(std::strtod(digits, nullptr));
  }
  if (method != "ceil" && method != "floor") m.fail("method must be common, ceil or floor");
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = v.as_real() * scale;
  return value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

}  // namespace assay::text::jinja::filters
