// Evaluates the expressions of a template: variables, calls, filters, tests, literals.
// jinja/operators.cpp has the arithmetic and the comparisons of values.
#include "jinja/machine.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "jinja/builtins.hpp"
#include "jinja/level.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {

value machine::look_up(int symbol) const {
  for (const scope *s = current_; s; s = s->parent)
    for (const auto &[known, v] : s->variables)
      if (known == symbol) return v;
  const auto at = static_cast<size_t>(symbol);
  return has_global_[at] ? globals_[at] : value::undefined(code_.symbols[at]);
}

value machine::eval_dict(const expression &e) {
  dict_object entries;
  for (size_t i = 0; i + 1 < e.parts.size(); i += 2) {
    const value key = eval(*e.parts[i]);
    if (!hashable(key)) fail(std::string("unhashable type: '") + type_name(key) + "'");
    entries.set(key, eval(*e.parts[i + 1]));
  }
  return dict(std::move(entries));
}

value machine::eval_compare(const expression &e) {
  value left = eval(*e.parts[0]);
  for (size_t i = 0; i < e.ops.size(); ++i) {  // a < b < c means: a < b and b < c
    const value right = eval(*e.parts[i + 1]);
    if (!compare(*this, e.ops[i], left, right)) return value::boolean(false);
    left = right;
  }
  return value::boolean(true);
}

value machine::eval_concat(const expression &e) {
  std::string out;
  for (const auto &part : e.parts) {
    const value v = eval(*part);  // a text marked by `safe` loses its mark, as in Python's Jinja2
    budget_.take(v.is_string() ? v.as_text().size() : 0);
    append_text(out, v);
  }
  return text(std::move(out));
}

value machine::eval_slice(const value &v, const expression &e) {
  const auto bound = [&](size_t i) { return e.parts[i] ? eval(*e.parts[i]) : value::none(); };
  const value start = bound(0), stop = bound(1), stride = bound(2);
  if (v.is_undefined()) fail("'" + std::string(v.as_text()) + "' is undefined");
  if (v.is_sequence() && !v.as_list().view) {
    std::vector<value> items;
    for (const size_t i : slice_indices(*this, v.as_list().items.size(), start, stop, stride))
      items.push_back(v.as_list().items[i]);
    return list(std::move(items), v.type());
  }
  if (!v.is_string())
    fail(std::string("'") + type_name(v) + "' object is not subscriptable by a slice");
  const std::vector<value> chars = iterate(v);
  std::string out;
  for (const size_t i : slice_indices(*this, chars.size(), start, stop, stride))
    out += chars[i].as_text();
  return text(std::move(out));
}

call_arguments machine::eval_arguments(const argument_list &given) {
  call_arguments result;
  for (const auto &e : given.positional) result.positional.push_back(eval(*e));
  for (const auto &[name, e] : given.named) result.named.emplace_back(name, eval(*e));
  if (given.star)
    for (const value &v : iterate(eval(*given.star))) result.positional.push_back(v);
  if (given.star_star) {
    const value more = eval(*given.star_star);
    if (!more.is(kind::dict)) fail("what follows ** is not a mapping");
    for (const auto &[key, v] : more.as_dict().entries) {
      if (!key.is_string()) fail("the names of ** arguments must be texts");
      result.named.emplace_back(key.as_text(), v);
    }
  }
  return result;
}

value machine::eval_call(const expression &e) {
  const expression &callee = *e.parts[0];
  if (callee.kind == expr_kind::attribute) {  // calls x.method() without making a bound_method
    const value self = eval(*callee.parts[0]);
    if (!self.is_undefined() && !self.is(kind::object) && has_method(*this, self, callee.text)) {
      const call_arguments arguments = eval_arguments(*e.arguments);
      line_ = e.line;
      if (self.is_marked()) refuse_marked();
      return *call_method(*this, self, callee.text, arguments);
    }
    const value found = attribute(self, callee.text);
    const call_arguments arguments = eval_arguments(*e.arguments);
    line_ = e.line;
    return call(found, arguments);
  }
  const value found = eval(callee);
  const call_arguments arguments = eval_arguments(*e.arguments);
  line_ = e.line;
  return call(found, arguments);
}

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Applies a filter to a text that the filter `safe` or `escape` has marked as escaped. In Jinja2,
// Python's template library, such a text has the class Markup. `safe`, `string`, `escape` and `default`
// return it unchanged, so that it is not escaped twice. Filters that call a method of Markup in Jinja2,
// such as upper(), return a marked text. Filters that count, read a number, call str() first or look
// at single characters return an unmarked value. All other filters are refused.
value filter_marked(machine &m, const expression &e, const value &v, const call_arguments &given) {
  if (is_one_of(e.text, {"safe", "string", "escape", "e", "default", "d"})) return v;
  if (is_one_of(e.text, {"upper", "lower", "capitalize", "title", "trim"}))
    return e.filter->run(m, v, given).marked();
  if (!is_one_of(e.text, {"length", "count", "wordcount", "replace", "tojson", "int", "float",
                          "list", "first", "last", "join"}))
    refuse_marked();
  return e.filter->run(m, v, given);
}

}  // namespace

value machine::eval_filter(const expression &e, const value *input) {
  value v = input ? *input : value();
  if (e.parts[0])
    v = e.parts[0]->kind == expr_kind::filter ? eval_filter(*e.parts[0], input) : eval(*e.parts[0]);
  const call_arguments arguments = eval_arguments(*e.arguments);
  line_ = e.line;
  // An unknown filter is an error only when it runs, because a branch that never runs may use filters
  // that other programs have. Jinja2 does the same inside an `if`.
  if (!e.filter) fail("the filter '" + e.text + "' is not supported");
  if (v.is_marked()) return filter_marked(*this, e, v, arguments);
  return e.filter->run(*this, v, arguments);
}

value machine::eval(const expression &e) {
  const level guard(*this);
  switch (e.kind) {
    case expr_kind::literal:
      return e.constant;
    case expr_kind::name:
      return look_up(e.symbol);
    case expr_kind::list:
    case expr_kind::tuple: {
      std::vector<value> items;
      for (const auto &part : e.parts) items.push_back(eval(*part));
      return list(std::move(items), e.kind == expr_kind::list ? kind::list : kind::tuple);
    }
    case expr_kind::dict:
      return eval_dict(e);
    case expr_kind::both: {
      const value left = eval(*e.parts[0]);
      return truth(left) ? eval(*e.parts[1]) : left;
    }
    case expr_kind::either: {
      const value left = eval(*e.parts[0]);
      return truth(left) ? left : eval(*e.parts[1]);
    }
    case expr_kind::negate:
      return value::boolean(!truth(eval(*e.parts[0])));
    case expr_kind::compare:
      return eval_compare(e);
    case expr_kind::binary: {
      const value left = eval(*e.parts[0]);
      const value right = eval(*e.parts[1]);
      line_ = e.line;
      return apply(*this, e.ops[0], left, right);
    }
    case expr_kind::minus: {
      const value v = eval(*e.parts[0]);
      if (v.is(kind::real)) return value::real(-v.as_real());
      return apply(*this, op::subtract, value::integer(0), v);
    }
    case expr_kind::plus:
      return apply(*this, op::add, value::integer(0), eval(*e.parts[0]));
    case expr_kind::concat:
      return eval_concat(e);
    case expr_kind::conditional:
      if (truth(eval(*e.parts[0]))) return eval(*e.parts[1]);
      return e.parts[2] ? eval(*e.parts[2]) : value::undefined("the missing else of an inline if");
    case expr_kind::attribute: {
      const value v = eval(*e.parts[0]);
      line_ = e.line;
      return attribute(v, e.text);
    }
    case expr_kind::item: {
      const value v = eval(*e.parts[0]);
      line_ = e.line;
      if (e.parts[1]->kind == expr_kind::slice) return eval_slice(v, *e.parts[1]);
      return item(v, eval(*e.parts[1]));
    }
    case expr_kind::slice:
      fail("a slice outside of an index is not supported");
    case expr_kind::call:
      return eval_call(e);
    case expr_kind::filter:
      return eval_filter(e, nullptr);
    case expr_kind::test: {
      const value v = eval(*e.parts[0]);
      const call_arguments arguments = eval_arguments(*e.arguments);
      line_ = e.line;
      if (!e.test) fail("the test '" + e.text + "' is not supported");
      return value::boolean(e.test->run(*this, v, arguments));
    }
  }
  fail("an expression of an unknown kind");
}

}  // namespace assay::text::jinja
