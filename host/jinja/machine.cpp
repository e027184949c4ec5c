// The operations of the machine that builtins use too: making values, iteration, attributes, calls.
// jinja/eval.cpp evaluates expressions, jinja/exec.cpp executes statements.
#include "jinja/machine.hpp"

#include <cmath>

#include "core/error.hpp"
#include "jinja/builtins.hpp"
#include "jinja/lexer.hpp"
#include "unicode/unicode.hpp"

namespace assay::text::jinja {
namespace {

// The value of `x.method` where no call follows. It keeps x, so that a later call can use it.
class bound_method : public object {
 public:
  bound_method(const value &self, std::string_view name) : self_(self), name_(name) {}
  const char *type_name() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  value call(machine &m, const call_arguments &arguments) override {
    return *call_method(m, self_, name_, arguments);
  }

 private:
  value self_;
  std::string name_;
};

}  // namespace

void scope::set(int symbol, const value &v) {
  for (auto &[known, old] : variables)
    if (known == symbol) {
      old = v;
      return;
    }
  variables.emplace_back(symbol, v);
}

machine::machine(const program &code, const template_limits &limits, std::optional<std::tm> now)
    : code_(code),
      limits_(limits),
      now_(now),
      budget_{limits.steps, limits.value_bytes},
      output_left_(limits.output_bytes),
      globals_(code.symbols.size()),
      has_global_(code.symbols.size(), false),
      loop_symbol_(code.find_symbol("loop")),
      caller_symbol_(code.find_symbol("caller")),
      varargs_symbol_(code.find_symbol("varargs")),
      kwargs_symbol_(code.find_symbol("kwargs")) {
  define_globals(*this);
}

machine::~machine() = default;

void machine::define(std::string_view name, const value &v) {
  const int symbol = code_.find_symbol(name);
  if (symbol < 0) return;  // the template does not use the name
  globals_[static_cast<size_t>(symbol)] = v;
  has_global_[static_cast<size_t>(symbol)] = true;
}

void machine::fail(const std::string &message) const {
  fail_at(line_, message);
}

std::tm machine::now() const {
  if (now_) return *now_;
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

value machine::text(std::string owned) {
  budget_.take(owned.size() + 32);
  texts_.push_back(std::move(owned));
  return value::string(texts_.back());
}

value machine::list(std::vector<value> items, kind k, const char *view) {
  budget_.take(items.size() * sizeof(value) + 48);
  lists_.push_back({std::move(items), view});
  return value::list(&lists_.back(), k);
}

value machine::dict(dict_object entries) {
  budget_.take(entries.entries.size() * sizeof(dict_entry) + 48);
  dicts_.push_back(std::move(entries));
  return value::dict(&dicts_.back());
}

value machine::from_json(const json &j, int depth) {
  if (depth > limits_.depth) fail("a variable is nested too deeply");
  switch (j.type()) {
    case json::value_t::null:
      return value::none();
    case json::value_t::boolean:
      return value::boolean(j.get<bool>());
    case json::value_t::number_integer:
      return value::integer(j.get<int64_t>());
    case json::value_t::number_unsigned:
      if (j.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
        fail("a variable holds a number beyond 63 bits");
      return value::integer(j.get<int64_t>());
    case json::value_t::number_float:
      return value::real(j.get<double>());
    case json::value_t::string: {
      const auto &s = j.get_ref<const std::string &>();
      require_utf8(s, "a template variable");
      return value::string(s);
    }
    case json::value_t::array: {
      std::vector<value> items;
      items.reserve(j.size());
      for (const json &item : j) items.push_back(from_json(item, depth + 1));
      return list(std::move(items));
    }
    case json::value_t::object: {
      dict_object entries;
      entries.entries.reserve(j.size());
      for (const auto &[key, item] : j.items()) {
        require_utf8(key, "a template variable");
        entries.entries.emplace_back(value::string(key), from_json(item, depth + 1));
      }
      return dict(std::move(entries));
    }
    default:
      fail("a variable of a kind that templates do not have");
  }
}

std::string machine::to_text(const value &v) {
  std::string out;
  append_text(out, v);
  return out;
}

std::vector<value> machine::iterate(const value &v) {
  std::vector<value> items;
  switch (v.type()) {
    case kind::undefined:
      return items;
    case kind::list:
    case kind::tuple:
      step(v.as_list().items.size());
      return v.as_list().items;
    case kind::generator:
      if (std::exchange(v.as_list().consumed, true)) return items;
      step(v.as_list().items.size());
      return v.as_list().items;
    case kind::dict:
      for (const auto &entry : v.as_dict().entries) items.push_back(entry.first);
      step(items.size());
      return items;
    case kind::string: {
      const std::string_view s = v.as_text();
      step(s.size());
      budget_.take(s.size() * sizeof(value));
      for (size_t i = 0; i < s.size();) {
        const size_t n = decode_valid(s.data() + i).n_bytes;
        items.push_back(value::string(s.substr(i, n)));
        i += n;
      }
      return items;
    }
    default:
      fail(std::string("'") + type_name(v) + "' object is not iterable");
  }
}

value machine::attribute(const value &v, std::string_view name) {
  step();
  if (v.is_undefined()) fail("'" + std::string(v.as_text()) + "' is undefined");
  if (v.is(kind::object)) {
    if (auto found = v.as_object().attribute(*this, name)) return *found;
    return value::undefined(name);
  }
  if (has_method(*this, v, name)) return value::of(&make<bound_method>(v, name));
  if (v.is(kind::dict))
    if (const value *found = v.as_dict().find(name)) return *found;
  return value::undefined(name);
}

value machine::item(const value &v, const value &key) {
  step();
  if (v.is_undefined()) fail("'" + std::string(v.as_text()) + "' is undefined");
  if (v.is(kind::dict)) {
    if (const value *found = v.as_dict().find(key)) return *found;
  } else if ((v.is_sequence() && !v.as_list().view) && key.is_integral()) {
    const auto &items = v.as_list().items;
    const int64_t n = static_cast<int64_t>(items.size());
    const int64_t i = key.as_integer() < 0 ? key.as_integer() + n : key.as_integer();
    return i >= 0 && i < n ? items[static_cast<size_t>(i)] : value::undefined("list item");
  } else if (v.is_string() && key.is_integral()) {
    const std::string_view s = v.as_text();
    work(s.size());
    const int64_t n = static_cast<int64_t>(count_chars(s));
    const int64_t i = key.as_integer() < 0 ? key.as_integer() + n : key.as_integer();
    if (i < 0 || i >= n) return value::undefined("character");
    const size_t at = byte_of_char(s, static_cast<size_t>(i));
    return value::string(s.substr(at, decode_valid(s.data() + at).n_bytes));
  } else if (v.is(kind::object) && key.is_string()) {
    return attribute(v, key.as_text());
  }
  if (key.is_string() && has_method(*this, v, key.as_text()))
    return value::of(&make<bound_method>(v, key.as_text()));
  return value::undefined(key.is_string() ? key.as_text() : "item");
}

value machine::call(const value &callee, const call_arguments &arguments) {
  step();
  if (callee.is_undefined()) fail("'" + std::string(callee.as_text()) + "' is undefined");
  if (!callee.is(kind::object) || !callee.as_object().callable())
    fail(std::string("'") + type_name(callee) + "' object is not callable");
  return callee.as_object().call(*this, arguments);
}

}  // namespace assay::text::jinja
