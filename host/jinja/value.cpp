// Truth, equality and printing of values, with the results of Python.
// jinja/operators.cpp has order and arithmetic.
#include "jinja/value.hpp"

#include <utf8proc.h>

#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/error.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

constexpr int k_max_nesting = 200;  // of a printed or compared value
thread_local budget *running_budget = nullptr;

[[noreturn]] void too_deep() {
  throw error(error_kind::failed, "a value nested deeper than 200 levels");
}

bool equal_at(const value &a, const value &b, int depth);

bool equal_lists(const list_object &a, const list_object &b, int depth) {
  if (a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i)
    if (!equal_at(a.items[i], b.items[i], depth + 1)) return false;
  return true;
}

bool equal_dicts(const dict_object &a, const dict_object &b, int depth) {
  if (a.entries.size() != b.entries.size()) return false;
  for (const auto &[key, v] : a.entries) {
    const value *other = b.find(key);
    if (!other || !equal_at(v, *other, depth + 1)) return false;
  }
  return true;
}

bool equal_at(const value &a, const value &b, int depth) {
  if (depth > k_max_nesting) too_deep();
  current_budget().step();
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_integer() == b.as_integer();
    return a.as_real() == b.as_real();
  }
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case kind::undefined:
    case kind::none:
      return true;
    case kind::string:
      return a.as_text() == b.as_text();
    case kind::list:
    case kind::tuple:
      return equal_lists(a.as_list(), b.as_list(), depth);
    case kind::generator:
      return &a.as_list() == &b.as_list();
    case kind::dict:
      return equal_dicts(a.as_dict(), b.as_dict(), depth);
    default:
      return &a.as_object() == &b.as_object();
  }
}

// Returns what Python's str.isprintable says of one character.
bool printable(char32_t cp) {
  if (cp == ' ') return true;
  if (cp < 0x7F) return cp >= 0x20;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(cp))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

void append_string_repr(std::string &out, std::string_view s) {
  const bool double_quotes =
      s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  out += quote;
  for (size_t i = 0; i < s.size();) {
    const decoded_char c = decode_valid(s.data() + i);
    char escape[16];
    if (c.code_point == static_cast<char32_t>(quote) || c.code_point == '\\') {
      out += '\\';
      out += s[i];
    } else if (c.code_point == '\n') {
      out += "\\n";
    } else if (c.code_point == '\r') {
      out += "\\r";
    } else if (c.code_point == '\t') {
      out += "\\t";
    } else if (printable(c.code_point)) {
      out += s.substr(i, c.n_bytes);
    } else {
      const char *format = c.code_point < 0x100     ? "\\x%02x"
                           : c.code_point < 0x10000 ? "\\u%04x"
                                                    : "\\U%08x";
      std::snprintf(escape, sizeof escape, format, static_cast<unsigned>(c.code_point));
      out += escape;
    }
    i += c.n_bytes;
  }
  out += quote;
}

void append_list_repr(std::string &out, const value &v, int depth) {
  const bool is_tuple = v.is(kind::tuple);
  const auto &items = v.as_list().items;
  const char *view = v.as_list().view;
  if (view) out.append(view).append("(");
  out += is_tuple ? '(' : '[';
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ", ";
    append_repr(out, items[i], depth + 1);
  }
  if (is_tuple && items.size() == 1) out += ',';
  out += is_tuple ? ')' : ']';
  if (view) out += ')';
}

}  // namespace

void budget::exhausted(const char *what) {
  throw error(error_kind::failed, std::string("the template uses more ") + what + " than allowed")
      .hint("a template should not loop or build texts without end");
}

void refuse_marked() {
  throw error(error_kind::failed,
              "a text from the filter 'safe' or 'escape' is used for more than printing, which is "
              "not supported");
}

budget &current_budget() {
  static thread_local budget unlimited{UINT64_MAX, UINT64_MAX};
  return running_budget ? *running_budget : unlimited;
}

budget_scope::budget_scope(budget &b) : before_(std::exchange(running_budget, &b)) {}
budget_scope::~budget_scope() {
  running_budget = before_;
}

value object::call(machine &, const call_arguments &) {
  throw error(error_kind::failed, std::string("'") + type_name() + "' object is not callable");
}

const value *dict_object::find(const value &key) const {
  if (key.is_string()) return find(key.as_text());
  current_budget().step(1 + entries.size());
  for (const auto &[k, v] : entries)
    if (equal(k, key)) return &v;
  return nullptr;
}

const value *dict_object::find(std::string_view key) const {
  current_budget().step(1 + entries.size() / 8);
  for (const auto &[k, v] : entries)
    if (k.is_string() && k.as_text() == key) return &v;
  return nullptr;
}

void dict_object::set(const value &key, const value &v) {
  if (const value *old = find(key))
    *const_cast<value *>(old) = v;
  else
    entries.emplace_back(key, v);
}

const char *type_name(const value &v) {
  switch (v.type()) {
    case kind::undefined:
      return "Undefined";
    case kind::none:
      return "NoneType";
    case kind::boolean:
      return "bool";
    case kind::integer:
      return "int";
    case kind::real:
      return "float";
    case kind::string:
      return "str";
    case kind::list:
      return "list";
    case kind::tuple:
      return "tuple";
    case kind::generator:
      return "generator";
    case kind::dict:
      return "dict";
    case kind::object:
      return v.as_object().type_name();
  }
  return "object";
}

bool truth(const value &v) {
  switch (v.type()) {
    case kind::undefined:
    case kind::none:
      return false;
    case kind::boolean:
    case kind::integer:
      return v.as_integer() != 0;
    case kind::real:
      return v.as_real() != 0;
    case kind::string:
      return !v.as_text().empty();
    case kind::list:
    case kind::tuple:
      return !v.as_list().items.empty();
    case kind::dict:
      return !v.as_dict().entries.empty();
    case kind::generator:
    case kind::object:
      return true;
  }
  return false;
}

bool equal(const value &a, const value &b) {
  return equal_at(a, b, 0);
}

bool same(const value &a, const value &b) {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case kind::undefined:  // in Python's Jinja2 each undefined value is an object of its own
      return false;
    case kind::none:
      return true;
    case kind::boolean:
    case kind::integer:
      return a.as_integer() == b.as_integer();
    case kind::real:
      return a.as_real() == b.as_real();
    case kind::string:
      return a.as_text() == b.as_text();
    case kind::list:
    case kind::tuple:
    case kind::generator:
      return &a.as_list() == &b.as_list();
    case kind::dict:
      return &a.as_dict() == &b.as_dict();
    case kind::object:
      return &a.as_object() == &b.as_object();
  }
  return false;
}

bool hashable(const value &v) {
  if (v.is(kind::list) || v.is(kind::dict)) return false;
  if (v.is(kind::tuple))
    for (const value &item : v.as_list().items)
      if (!hashable(item)) return false;
  return true;
}

std::string real_repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, d, std::chars_format::scientific);
  const std::string_view text(digits, static_cast<size_t>(end.ptr - digits));
  const size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= 16) {  // Python's repr: 1e+16, 1e-05
    char tail[16];
    std::snprintf(tail, sizeof tail, "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    return std::string(text.substr(0, e)) + tail;
  }
  const auto fixed = std::to_chars(digits, digits + sizeof digits, d, std::chars_format::fixed);
  std::string out(digits, fixed.ptr);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

void append_text(std::string &out, const value &v, int depth) {
  if (v.is_undefined()) return;
  if (v.is_string())
    out += v.as_text();
  else
    append_repr(out, v, depth);
}

void append_repr(std::string &out, const value &v, int depth) {
  if (depth > k_max_nesting) too_deep();
  current_budget().step();
  current_budget().take(v.is_string() ? v.as_text().size() + 2 : 8);
  switch (v.type()) {
    case kind::undefined:
      out += "Undefined";
      break;
    case kind::none:
      out += "None";
      break;
    case kind::boolean:
      out += v.as_bool() ? "True" : "False";
      break;
    case kind::integer:
      out += std::to_string(v.as_integer());
      break;
    case kind::real:
      out += real_repr(v.as_real());
      break;
    case kind::string:
      if (v.is_marked()) out += "Markup(";
      append_string_repr(out, v.as_text());
      if (v.is_marked()) out += ')';
      break;
    case kind::list:
    case kind::tuple:
      append_list_repr(out, v, depth);
      break;
    case kind::dict: {
      out += '{';
      bool first = true;
      for (const auto &[key, item] : v.as_dict().entries) {
        if (!first) out += ", ";
        first = false;
        append_repr(out, key, depth + 1);
        out += ": ";
        append_repr(out, item, depth + 1);
      }
      out += '}';
      break;
    }
    case kind::generator:
    case kind::object:  // Python prints a memory address, which no prompt should contain
      throw error(error_kind::failed,
                  std::string("a '") + type_name(v) + "' object is printed as text");
  }
}

size_t count_chars(std::string_view utf8) {
  size_t n = 0;
  for (const char c : utf8) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

size_t byte_of_char(std::string_view utf8, size_t n_chars) {
  size_t i = 0;
  for (; n_chars > 0 && i < utf8.size(); --n_chars) i += decode_valid(utf8.data() + i).n_bytes;
  return i;
}

}  // namespace assay::text::jinja
