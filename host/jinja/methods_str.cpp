// The methods of texts, with the results of Python's str. Indices count characters, not bytes.
// jinja/methods.cpp has the methods of lists, tuples and dicts.
#include <algorithm>

#include "jinja/machine.hpp"
#include "jinja/methods.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

value text_of(machine &m, std::string s) {
  return m.text(std::move(s));
}

std::string what(const char *name) {
  return std::string("str.") + name + "()";
}

// strip, lstrip, rstrip
template <bool Left, bool Right>
value strip(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what("strip"), given, {"chars"});
  m.work(self.as_text().size());
  if (!p.has(0) || p.get(0, value()).is_none())
    return value::string(stripped(self.as_text(), nullptr, Left, Right));
  const std::string chars = p.text(0, "");
  const std::string_view view = chars;
  return value::string(stripped(self.as_text(), &view, Left, Right));
}

// startswith, endswith; their argument is one text or a tuple of texts.
template <bool AtEnd>
value affix(machine &m, const value &self, const call_arguments &given) {
  const std::string name = what(AtEnd ? "endswith" : "startswith");
  const parameters p(m, name, given, {"affix", "start", "end"});
  if (p.has(1) || p.has(2)) m.fail(name + " with a range is not supported");
  const value &wanted = p.required(0);
  const auto has = [&](const value &v) {
    if (!v.is_string())
      m.fail(name + " first arg must be str or a tuple of str, not " + type_name(v));
    return AtEnd ? self.as_text().ends_with(v.as_text()) : self.as_text().starts_with(v.as_text());
  };
  if (!wanted.is(kind::tuple)) return value::boolean(has(wanted));
  bool any = false;
  for (const value &v : wanted.as_list().items) any = any || has(v);
  return value::boolean(any);
}

// removeprefix, removesuffix
template <bool AtEnd>
value remove_affix(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what(AtEnd ? "removesuffix" : "removeprefix"), given, {"affix"});
  p.required(0);
  const std::string affix_text = p.text(0, "");
  std::string_view s = self.as_text();
  if (AtEnd ? s.ends_with(affix_text) : s.starts_with(affix_text))
    s = AtEnd ? s.substr(0, s.size() - affix_text.size()) : s.substr(affix_text.size());
  return value::string(s);
}

value list_of(machine &m, const std::vector<std::string_view> &parts) {
  std::vector<value> items;
  for (const std::string_view part : parts) items.push_back(value::string(part));
  m.step(items.size());
  return m.list(std::move(items));
}

// Cuts s at runs of white space, from the left or the right, at most `limit` times. With a negative
// limit it cuts at every run.
std::vector<std::string_view> split_spaces(std::string_view s, int64_t limit, bool from_right) {
  std::vector<std::string_view> parts;
  s = stripped(s, nullptr, !from_right, from_right);
  while (!s.empty()) {
    if (limit == 0) {  // the uncut rest keeps the white space at its other end, as in Python
      parts.push_back(s);
      break;
    }
    size_t i = from_right ? s.size() : 0;  // moves to the other end of one word
    while (from_right ? i > 0 : i < s.size()) {
      const decoded_char c = from_right ? decode_before(s.data() + i) : decode_valid(s.data() + i);
      if (is_python_space(c.code_point)) break;
      i = from_right ? i - c.n_bytes : i + c.n_bytes;
    }
    parts.push_back(from_right ? s.substr(i) : s.substr(0, i));
    s = stripped(from_right ? s.substr(0, i) : s.substr(i), nullptr, !from_right, from_right);
    if (limit > 0) --limit;
  }
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

// split, rsplit
template <bool FromRight>
value split(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what(FromRight ? "rsplit" : "split"), given, {"sep", "maxsplit"});
  int64_t limit = p.integer(1, -1);
  std::string_view s = self.as_text();
  m.work(s.size());
  if (!p.has(0) || p.get(0, value()).is_none()) {
    return list_of(m, split_spaces(s, limit, FromRight));
  }
  const std::string separator = p.text(0, "");
  if (separator.empty()) m.fail("empty separator");
  std::vector<std::string_view> parts;
  for (; limit != 0; --limit) {
    const size_t at = FromRight ? s.rfind(separator) : s.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(FromRight ? s.substr(at + separator.size()) : s.substr(0, at));
    s = FromRight ? s.substr(0, at) : s.substr(at + separator.size());
  }
  parts.push_back(s);
  if (FromRight) std::reverse(parts.begin(), parts.end());
  return list_of(m, parts);
}

value split_lines_method(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what("splitlines"), given, {"keepends"});
  m.work(self.as_text().size());
  return list_of(m, split_lines(self.as_text(), p.flag(0, false)));
}

// partition, rpartition: (text before the separator, separator, text after it)
template <bool FromRight>
value partition(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what(FromRight ? "rpartition" : "partition"), given, {"sep"});
  p.required(0);
  const std::string separator = p.text(0, "");
  if (separator.empty()) m.fail("empty separator");
  const std::string_view s = self.as_text();
  const size_t at = FromRight ? s.rfind(separator) : s.find(separator);
  const value nothing = value::string("");
  if (at == std::string_view::npos)
    return m.list(FromRight ? std::vector<value>{nothing, nothing, self}
                            : std::vector<value>{self, nothing, nothing},
                  kind::tuple);
  return m.list({value::string(s.substr(0, at)), value::string(s.substr(at, separator.size())),
                 value::string(s.substr(at + separator.size()))},
                kind::tuple);
}

value replace(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what("replace"), given, {"old", "new", "count"});
  p.required(0), p.required(1);
  return text_of(m, replaced(m, self.as_text(), p.text(0, ""), p.text(1, ""), p.integer(2, -1)));
}

// A method without arguments, such as upper, whose result is F(text).
template <std::string (*F)(std::string_view)>
value mapped(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "this method of str", given, {});
  m.work(self.as_text().size() * 4);
  return text_of(m, F(self.as_text()));
}

// swapcase: makes lower case upper and upper case lower.
std::string swapped(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size();) {
    const size_t n = decode_valid(s.data() + i).n_bytes;
    const std::string_view c = s.substr(i, n);
    out += lower(c) == c ? upper(c) : lower(c);
    i += n;
  }
  return out;
}

// find, rfind, index, rindex. If the text is not found, index and rindex (Must) throw, and find and
// rfind return -1.
template <bool FromRight, bool Must>
value find(machine &m, const value &self, const call_arguments &given) {
  const std::string name = what(Must        ? FromRight ? "rindex" : "index"
                                : FromRight ? "rfind"
                                            : "find");
  const parameters p(m, name, given, {"sub", "start", "end"});
  p.required(0);
  if (p.has(1) || p.has(2)) m.fail(name + " with a range is not supported");
  const std::string_view s = self.as_text();
  m.work(s.size());
  const std::string sub = p.text(0, "");
  const size_t at = FromRight ? s.rfind(sub) : s.find(sub);
  if (at == std::string_view::npos) {
    if (Must) m.fail("substring not found");
    return value::integer(-1);
  }
  return value::integer(static_cast<int64_t>(count_chars(s.substr(0, at))));
}

value count(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what("count"), given, {"sub"});
  p.required(0);
  const std::string sub = p.text(0, "");
  const std::string_view s = self.as_text();
  m.work(s.size());
  if (sub.empty()) return value::integer(static_cast<int64_t>(count_chars(s)) + 1);
  int64_t n = 0;
  for (size_t at = s.find(sub); at != std::string_view::npos; at = s.find(sub, at + sub.size()))
    ++n;
  return value::integer(n);
}

value join(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what("join"), given, {"iterable"});
  std::string out;
  bool first = true;
  for (const value &v : m.iterate(p.required(0))) {
    if (!v.is_string()) m.fail(std::string("str.join() needs texts, not ") + type_name(v));
    current_budget().take(v.as_text().size() + self.as_text().size());
    if (!first) out += self.as_text();
    first = false;
    out += v.as_text();
  }
  return text_of(m, std::move(out));
}

// isdigit and the like: true if `Is` holds for all characters and there is at least one.
template <bool (*Is)(char32_t)>
value all_are(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "this method of str", given, {});
  const std::string_view s = self.as_text();
  m.work(s.size());
  bool all = !s.empty();
  for (size_t i = 0; i < s.size() && all;) {
    const decoded_char c = decode_valid(s.data() + i);
    all = Is(c.code_point);
    i += c.n_bytes;
  }
  return value::boolean(all);
}
// Whether c is a digit or any other number of Unicode, for isdigit and isnumeric. For some of these
// numbers, such as ½, Python's isdigit is false.
bool is_digit(char32_t c) {
  return c < 0x80 ? c >= '0' && c <= '9' : (char_classes(c) & k_number) != 0;
}
bool is_alpha(char32_t c) {
  return (char_classes(c) & k_letter) != 0;
}
bool is_alnum(char32_t c) {
  return (char_classes(c) & (k_letter | k_number)) != 0;
}

// isupper, islower
template <bool Upper>
value is_case(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "this method of str", given, {});
  const std::string_view s = self.as_text();
  const std::string u = upper(s), l = lower(s);
  return value::boolean(u != l && (Upper ? u : l) == s);
}

// ljust, rjust, center: Side is where the text stands in the padded result.
enum class side { left, right, both };
template <side Side>
value pad(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, "str.ljust() and the like", given, {"width", "fillchar"});
  p.required(0);
  const std::string fill = p.text(1, " ");
  if (count_chars(fill) != 1) m.fail("the fill character must be exactly one character long");
  const auto n = static_cast<int64_t>(count_chars(self.as_text()));
  const int64_t missing = std::max<int64_t>(0, p.integer(0, 0) - n);
  current_budget().take(static_cast<uint64_t>(missing) * fill.size());
  // center: if `missing` is odd, Python puts the additional character on the left for an odd width,
  // on the right for an even one
  const int64_t left = Side == side::left    ? 0
                       : Side == side::right ? missing
                                             : missing / 2 + (missing & p.integer(0, 0) & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += self.as_text();
  for (int64_t i = left; i < missing; ++i) out += fill;
  return text_of(m, std::move(out));
}

value zfill(machine &m, const value &self, const call_arguments &given) {
  const parameters p(m, what("zfill"), given, {"width"});
  p.required(0);
  std::string s(self.as_text());
  const int64_t missing = p.integer(0, 0) - static_cast<int64_t>(count_chars(s));
  if (missing <= 0) return self;
  current_budget().take(static_cast<uint64_t>(missing));
  const bool sign = !s.empty() && (s[0] == '-' || s[0] == '+');
  return text_of(m, s.insert(sign ? 1 : 0, static_cast<size_t>(missing), '0'));
}

// Returns the argument that a replacement field of str.format names: {} the next one, {0} by number,
// {name} by name. Throws for formats such as {:>5}, which are not supported.
const value &field_value(machine &m, std::string_view field, const call_arguments &given,
                         size_t &next) {
  if (field.find_first_of(".[:!{") != std::string_view::npos)
    m.fail("the method 'format' of 'str' takes only {}, {0} and {name} here, not {" +
           std::string(field) + "}");
  const bool number = field.find_first_not_of("0123456789") == std::string_view::npos;
  if (number) {
    const size_t i = field.empty() ? next++ : std::stoul(std::string(field.substr(0, 9)));
    if (i >= given.positional.size())
      m.fail("Replacement index " + std::to_string(i) + " out of range for positional args tuple");
    return given.positional[i];
  }
  for (const auto &[name, v] : given.named)
    if (name == field) return v;
  m.fail("str.format() has no argument '" + std::string(field) + "'");
}

value format_method(machine &m, const value &self, const call_arguments &given) {
  const std::string_view s = self.as_text();
  std::string out;
  size_t next = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '{' && s[i] != '}') {
      out += s[i];
    } else if (i + 1 < s.size() && s[i + 1] == s[i]) {  // {{ stands for {, and }} for }
      out += s[i++];
    } else {
      const size_t end = s.find('}', i);
      if (s[i] == '}' || end == std::string_view::npos)
        m.fail(s[i] == '}' ? "Single '}' encountered in format string"
                           : "expected '}' before end of string");
      const std::string part = m.to_text(field_value(m, s.substr(i + 1, end - i - 1), given, next));
      current_budget().take(part.size());
      out += part;
      i = end;
    }
  }
  return text_of(m, std::move(out));
}

constexpr method k_str_methods[] = {
    {"capitalize", mapped<capitalized>},
    {"casefold", nullptr},
    {"center", pad<side::both>},
    {"count", count},
    {"encode", nullptr},
    {"endswith", affix<true>},
    {"expandtabs", nullptr},
    {"find", find<false, false>},
    {"format", format_method},
    {"format_map", nullptr},
    {"index", find<false, true>},
    {"isalnum", all_are<is_alnum>},
    {"isalpha", all_are<is_alpha>},
    {"isascii", nullptr},
    {"isdecimal", nullptr},
    {"isdigit", all_are<is_digit>},
    {"isidentifier", nullptr},
    {"islower", is_case<false>},
    {"isnumeric", all_are<is_digit>},
    {"isprintable", nullptr},
    {"isspace", all_are<is_python_space>},
    {"istitle", nullptr},
    {"isupper", is_case<true>},
    {"join", join},
    {"ljust", pad<side::left>},
    {"lower", mapped<lower>},
    {"lstrip", strip<true, false>},
    {"maketrans", nullptr},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace},
    {"rfind", find<true, false>},
    {"rindex", find<true, true>},
    {"rjust", pad<side::right>},
    {"rpartition", partition<true>},
    {"rsplit", split<true>},
    {"rstrip", strip<false, true>},
    {"split", split<false>},
    {"splitlines", split_lines_method},
    {"startswith", affix<false>},
    {"strip", strip<true, true>},
    {"swapcase", mapped<swapped>},
    {"title", mapped<titled>},
    {"translate", nullptr},
    {"upper", mapped<upper>},
    {"zfill", zfill},
};

}  // namespace

std::span<const method> str_methods() {
  return k_str_methods;
}

}  // namespace assay::text::jinja
