// Declares what every template can use by name: filters, tests, methods and global functions, and the
// helpers that they share. If a template runs any other filter or test, the error names it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "jinja/value.hpp"

namespace assay::text::jinja {

// A filter, used as {{ value | name(arguments) }}.
struct filter_entry {
  const char *name;
  value (*run)(machine &, const value &, const call_arguments &);
};
// A test, used as {{ value is name(arguments) }}.
struct test_entry {
  const char *name;
  bool (*run)(machine &, const value &, const call_arguments &);
};

const filter_entry *find_filter(std::string_view name);  // in static memory; null if unknown
const test_entry *find_test(std::string_view name);

// Calls self.name(...) of a text, list, tuple or dict. Returns nullopt if the type has no such method
// in Python. Throws error(failed) if Python has the method but this interpreter does not: either it is
// not supported (str.encode), or it would change a variable of the template (list.append).
std::optional<value> call_method(machine &, const value &self, std::string_view name,
                                 const call_arguments &);
bool has_method(machine &, const value &self, std::string_view name);

// Defines range, dict, namespace, cycler, joiner, raise_exception and strftime_now as variables, and
// lipsum, which throws when a template calls it.
void define_globals(machine &);

// Executes {% set target.name = v %}. Throws error(failed) if `target` is not a namespace object.
void set_attribute(machine &, const value &target, std::string_view name, const value &v);

// Matches the arguments of a call with the parameters of a builtin; parameter i is called names[i].
// The constructor throws error(failed) for too many arguments, unknown names, or two values for one
// parameter. `what` names the builtin in messages. `given` must outlive this object.
class parameters {
 public:
  parameters(machine &m, std::string what, const call_arguments &given,
             std::initializer_list<const char *> names);
  bool has(size_t i) const { return slots_[i] != nullptr; }
  const value &required(size_t i) const;  // throws if it is not given
  value get(size_t i, const value &fallback) const { return slots_[i] ? *slots_[i] : fallback; }
  // These return `fallback` if the argument is not given; text and integer return it for none too.
  // text and integer throw for a value of another type; flag takes the truth of any value.
  std::string text(size_t i, const std::string &fallback) const;
  int64_t integer(size_t i, int64_t fallback) const;
  bool flag(size_t i, bool fallback) const;

 private:
  machine &m_;
  std::string what_;
  std::vector<const char *> names_;   // a copy: the initializer_list ends with the constructor
  std::vector<const value *> slots_;  // the argument for each name; null = not given
};

// Returns str(v) with & < > " ' replaced by HTML entities. A text that the filter `safe` or `escape`
// has marked (value::marked) stays as it is.
std::string escaped(machine &m, const value &v);

// The options of Python's json.dumps that the filter `tojson` takes.
struct json_style {
  std::string item_separator = ", ", key_separator = ": ";
  std::optional<std::string> indent;  // text for each level; nullopt = all on one line
  bool ensure_ascii = false, sort_keys = false;
};
// Returns the value as JSON text. Throws error(failed) for values that JSON lacks, such as functions.
std::string dump_json(machine &, const value &, const json_style &);

// Returns what Python's `format % values` gives. values: a tuple, a dict for %(name)s, or one value.
std::string format_percent(machine &, std::string_view format, const value &values);

// Operations on texts, with the results of Python's str methods; jinja/text.cpp.
std::string upper(std::string_view);
std::string lower(std::string_view);
std::string capitalized(std::string_view);
std::string titled(std::string_view);  // upper case for the first letter of every run of letters
std::vector<std::string_view> split_lines(std::string_view, bool keep_ends);
// Removes the given characters at the chosen ends; chars = null removes white space.
std::string_view stripped(std::string_view, const std::string_view *chars, bool left, bool right);
// Replaces `from` by `to` at most `count` times; a negative count means everywhere.
std::string replaced(machine &, std::string_view, std::string_view from, std::string_view to,
                     int64_t count);
bool is_python_space(char32_t);

}  // namespace assay::text::jinja
