// Names that a template can use: filters, tests, methods, global functions.
// Not the language; a name that is missing here is an error that tells it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "jinja/value.hpp"

namespace assay::text::jinja {

struct filter_entry {
  const char *name;
  value (*run)(machine &, const value &, const call_arguments &);
};
struct test_entry {
  const char *name;
  bool (*run)(machine &, const value &, const call_arguments &);
};

const filter_entry *find_filter(std::string_view name);  // static; null if there is none
const test_entry *find_test(std::string_view name);

// obj.name(...) for texts, lists, tuples and dicts. nullopt if the type has no such method; throws
// for one that Python has and this has not, or that would change its object.
std::optional<value> call_method(machine &, const value &self, std::string_view name,
                                 const call_arguments &);
bool has_method(machine &, const value &self, std::string_view name);

// range, dict, namespace, cycler, joiner, raise_exception, strftime_now
void define_globals(machine &);

// `set ns.name = v`
void set_attribute(machine &, const value &target, std::string_view name, const value &v);

// Arguments by position or name, as declared: at most `names`, no unknown ones.
class parameters {
 public:
  parameters(machine &m, std::string what, const call_arguments &given,
             std::initializer_list<const char *> names);
  bool has(size_t i) const { return slots_[i] != nullptr; }
  const value &required(size_t i) const;
  value get(size_t i, const value &fallback) const { return slots_[i] ? *slots_[i] : fallback; }
  std::string text(size_t i, const std::string &fallback) const;  // must be a str
  int64_t integer(size_t i, int64_t fallback) const;
  bool flag(size_t i, bool fallback) const;  // truth

 private:
  machine &m_;
  std::string what_;
  std::vector<const char *> names_;  // a copy: the list that names them ends with the declaration
  std::vector<const value *> slots_;
};

// str(v) with & < > " ' as HTML entities; a text that is marked already stays as it is.
std::string escaped(machine &m, const value &v);

// json.dumps, with the reference's options.
struct json_style {
  std::string item_separator = ", ", key_separator = ": ";
  std::optional<std::string> indent;
  bool ensure_ascii = false, sort_keys = false;
};
std::string dump_json(machine &, const value &, const json_style &);

// Python's `format % values`.
std::string format_percent(machine &, std::string_view format, const value &values);

// Texts; jinja_text.cpp.
std::string upper(std::string_view);
std::string lower(std::string_view);
std::string capitalized(std::string_view);
std::string titled(std::string_view);  // the first letter of every run of letters
std::vector<std::string_view> split_lines(std::string_view, bool keep_ends);
std::string_view stripped(std::string_view, const std::string_view *chars, bool left, bool right);
std::string replaced(machine &, std::string_view, std::string_view from, std::string_view to,
                     int64_t count);
bool is_python_space(char32_t);

}  // namespace assay::text::jinja
