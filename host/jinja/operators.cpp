// The operators + - * / // % **, < <= > >=, `in` and slices, with the results of Python. Integers
// have 64 bits: a larger result throws. jinja/value.cpp has truth and equality.
#include <algorithm>
#include <cmath>

#include "jinja/builtins.hpp"
#include "jinja/machine.hpp"

namespace assay::text::jinja {
namespace {

const char *sign_of(op o) {
  switch (o) {
    case op::add:
      return "+";
    case op::subtract:
      return "-";
    case op::multiply:
      return "*";
    case op::divide:
      return "/";
    case op::floor_divide:
      return "//";
    case op::modulo:
      return "%";
    case op::power:
      return "**";
    case op::less:
      return "<";
    case op::less_equal:
      return "<=";
    case op::greater:
      return ">";
    case op::greater_equal:
      return ">=";
    default:
      return "in";
  }
}

// Throws for types that the operator does not take: "'+' is not possible between 'str' and 'int'".
[[noreturn]] void refuse(machine &m, op o, const value &a, const value &b) {
  for (const value &v : {a, b})
    if (v.is_undefined()) m.fail("'" + std::string(v.as_text()) + "' is undefined");
  m.fail(std::string("'") + sign_of(o) + "' is not possible between '" + type_name(a) + "' and '" +
         type_name(b) + "'");
}

[[noreturn]] void overflow(machine &m) {
  m.fail("a number grows beyond 63 bits");
}

// Divides and rounds towards minus infinity, as Python's //; C++ rounds towards zero.
int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

value power(machine &m, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) m.fail("0 cannot be raised to a negative power");
    return value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) overflow(m);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow(m);
  }
  return value::integer(result);
}

value integers(machine &m, op o, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (o) {
    case op::add:
      if (__builtin_add_overflow(a, b, &result)) overflow(m);
      return value::integer(result);
    case op::subtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow(m);
      return value::integer(result);
    case op::multiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow(m);
      return value::integer(result);
    case op::power:
      return power(m, a, b);
    default:
      break;
  }
  if (b == 0) m.fail("division by zero");
  if (o == op::divide) return value::real(static_cast<double>(a) / static_cast<double>(b));
  if (b == -1) {  // INT64_MIN / -1 is the only quotient that overflows; subtraction notices it
    if (o == op::modulo) return value::integer(0);
    return integers(m, op::subtract, 0, a);
  }
  const int64_t q = floor_div(a, b);
  return value::integer(o == op::floor_divide ? q : a - q * b);
}

value reals(machine &m, op o, double a, double b) {
  switch (o) {
    case op::add:
      return value::real(a + b);
    case op::subtract:
      return value::real(a - b);
    case op::multiply:
      return value::real(a * b);
    case op::power:
      return value::real(std::pow(a, b));
    default:
      break;
  }
  if (b == 0) m.fail("division by zero");
  if (o == op::divide) return value::real(a / b);
  double remainder = std::fmod(a, b);  // has the sign of a; Python's has the sign of b
  if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
  if (o == op::modulo) return value::real(remainder);
  return value::real(std::floor((a - remainder) / b + 0.5));
}

// Returns a text or list repeated `times` times; an empty one for times < 1. Takes the memory from the
// budget first, so that a huge result is refused before it is made.
value repeat(machine &m, const value &v, int64_t times) {
  const size_t n = times > 0 ? static_cast<size_t>(times) : 0;
  if (v.is_string()) {
    const std::string_view s = v.as_text();
    if (s.empty()) return v;
    if (n > (size_t{1} << 30) / s.size()) budget::exhausted("memory");
    current_budget().take(n * s.size());
    m.work(n * s.size());
    std::string out;
    for (size_t i = 0; i < n; ++i) out += s;
    return m.text(std::move(out));
  }
  const auto &items = v.as_list().items;
  if (items.empty()) return m.list({}, v.type());
  if (n > (size_t{1} << 26) / items.size()) budget::exhausted("memory");
  current_budget().take(n * items.size() * sizeof(value));
  m.step(n * items.size());
  std::vector<value> out;
  for (size_t i = 0; i < n; ++i) out.insert(out.end(), items.begin(), items.end());
  return m.list(std::move(out), v.type());
}

// Returns -1, 0 or 1 for a < b, a == b, a > b. Throws for values without an order. `o` is only for the
// message; depth counts nested lists.
int order(machine &m, op o, const value &a, const value &b, int depth) {
  m.step();
  if (depth > 100) m.fail("compared values are nested too deeply");
  if (a.is_integral() && b.is_integral())
    return (a.as_integer() > b.as_integer()) - (a.as_integer() < b.as_integer());
  if (a.is_number() && b.is_number())
    return (a.as_real() > b.as_real()) - (a.as_real() < b.as_real());
  if (a.is_string() && b.is_string()) {  // bytes of UTF-8 sort like code points
    m.work(std::min(a.as_text().size(), b.as_text().size()));
    const int c = a.as_text().compare(b.as_text());
    return (c > 0) - (c < 0);
  }
  if (!a.is_sequence() || a.type() != b.type()) refuse(m, o, a, b);
  const auto &x = a.as_list().items, &y = b.as_list().items;
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (!equal(x[i], y[i])) return order(m, o, x[i], y[i], depth + 1);
  return (x.size() > y.size()) - (x.size() < y.size());
}

}  // namespace

value apply(machine &m, op o, const value &a, const value &b) {
  if (a.is_marked() || b.is_marked()) {
    if (o != op::add || !a.is_string() || !b.is_string()) refuse_marked();
    return m.text(escaped(m, a) + escaped(m, b)).marked();  // as Markup + str in Python's Jinja2
  }
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return integers(m, o, a.as_integer(), b.as_integer());
    return reals(m, o, a.as_real(), b.as_real());
  }
  if (o == op::add && a.is_string() && b.is_string()) {
    m.work(a.as_text().size() + b.as_text().size());
    std::string out(a.as_text());
    return m.text(out.append(b.as_text()));
  }
  if (o == op::add && a.is_sequence() && a.type() == b.type()) {
    std::vector<value> out = m.iterate(a);
    const std::vector<value> more = m.iterate(b);
    out.insert(out.end(), more.begin(), more.end());
    return m.list(std::move(out), a.type());
  }
  if (o == op::multiply && (a.is_string() || a.is_sequence()) && b.is_integral())
    return repeat(m, a, b.as_integer());
  if (o == op::multiply && (b.is_string() || b.is_sequence()) && a.is_integral())
    return repeat(m, b, a.as_integer());
  if (o == op::modulo && a.is_string()) return m.text(format_percent(m, a.as_text(), b));
  refuse(m, o, a, b);
}

bool contains(machine &m, const value &container, const value &v) {
  if (container.is_string()) {
    if (!v.is_string())
      m.fail(std::string("'in <string>' requires string as left operand, not ") + type_name(v));
    m.work(container.as_text().size());
    return container.as_text().find(v.as_text()) != std::string_view::npos;
  }
  if (container.is(kind::dict)) {
    if (!hashable(v)) m.fail(std::string("unhashable type: '") + type_name(v) + "'");
    return container.as_dict().find(v) != nullptr;
  }
  if (container.is_none() || container.is_number() || container.is(kind::object))
    m.fail(std::string("argument of type '") + type_name(container) + "' is not iterable");
  for (const value &item : m.iterate(container))
    if (equal(item, v)) return true;
  return false;
}

bool less(machine &m, const value &a, const value &b) {
  return order(m, op::less, a, b, 0) < 0;
}

bool compare(machine &m, op o, const value &a, const value &b) {
  switch (o) {
    case op::equal:
      return equal(a, b);
    case op::unequal:
      return !equal(a, b);
    case op::in:
      return contains(m, b, a);
    case op::not_in:
      return !contains(m, b, a);
    default:
      break;
  }
  const bool unordered = (a.is(kind::real) && std::isnan(a.as_real()) && b.is_number()) ||
                         (b.is(kind::real) && std::isnan(b.as_real()) && a.is_number());
  if (unordered) return false;
  const int c = order(m, o, a, b, 0);
  switch (o) {
    case op::less:
      return c < 0;
    case op::less_equal:
      return c <= 0;
    case op::greater:
      return c > 0;
    default:
      return c >= 0;
  }
}

std::vector<size_t> slice_indices(machine &m, size_t length, const value &start, const value &stop,
                                  const value &step) {
  const auto n = static_cast<int64_t>(length);
  for (const value &v : {start, stop, step})
    if (!v.is_none() && !v.is_integral()) m.fail("slice indices must be integers or None");
  const int64_t stride = step.is_none() ? 1 : step.as_integer();
  if (stride == 0) m.fail("slice step cannot be zero");
  const bool forward = stride > 0;
  const auto clamp = [&](const value &v, int64_t fallback) {
    if (v.is_none()) return fallback;
    int64_t i = v.as_integer();
    if (i < 0)
      i = i < -n ? -1 : i + n;
    else if (i > n)
      i = n;
    if (v.as_integer() < -n) return forward ? int64_t{0} : int64_t{-1};
    return forward ? i : std::min(i, n - 1);
  };
  const int64_t first = clamp(start, forward ? 0 : n - 1);
  const int64_t last = clamp(stop, forward ? n : -1);
  std::vector<size_t> out;
  // a stride beyond the length chooses one item at most; the bound prevents an overflow of i
  const int64_t safe = std::clamp(stride, -n - 1, n + 1);
  for (int64_t i = first; forward ? i < last : i > last; i += safe)
    out.push_back(static_cast<size_t>(i));
  m.step(out.size());
  return out;
}

}  // namespace assay::text::jinja
