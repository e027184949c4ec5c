// The values of a running template, with Python's meaning: truth, equality, text, order.
// Not JSON: there are tuples, undefined values, functions and objects with state.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"

namespace assay::text::jinja {

struct list_object;
struct dict_object;
struct object;  // namespaces, loops, macros, methods, functions
class machine;  // the running template; jinja_machine.hpp

enum class kind : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  generator,
  dict,
  object
};

// 16 bytes, copied freely. What it points to lives in the machine's arena, in the parsed template or
// in the caller's JSON, all of which outlive it.
class value {
 public:
  value() : kind_(kind::undefined), size_(0), text_("") {}
  static value none() { return value(kind::none); }
  static value boolean(bool b) {
    value v(kind::boolean);
    v.integer_ = b;
    return v;
  }
  static value integer(int64_t i) {
    value v(kind::integer);
    v.integer_ = i;
    return v;
  }
  static value real(double d) {
    value v(kind::real);
    v.real_ = d;
    return v;
  }
  static value string(std::string_view borrowed) { return value(kind::string, borrowed); }
  // A text that `safe` or `escape` marked: `+` escapes what it is joined with, as markupsafe does.
  // What the reference's Markup does beyond that (its methods, %, slices) is an error here.
  value marked() const {
    value v = *this;
    v.marked_ = true;
    return v;
  }
  bool is_marked() const { return marked_; }
  // A name or attribute that is not there; `what` tells so when it is misused.
  static value undefined(std::string_view borrowed_what) {
    return value(kind::undefined, borrowed_what);
  }
  static value list(const list_object *o, kind k = kind::list) {
    value v(k);
    v.list_ = o;
    return v;
  }
  static value dict(const dict_object *o) {
    value v(kind::dict);
    v.dict_ = o;
    return v;
  }
  static value of(object *o) {
    value v(kind::object);
    v.object_ = o;
    return v;
  }

  kind type() const { return kind_; }
  bool is(kind k) const { return kind_ == k; }
  bool is_undefined() const { return kind_ == kind::undefined; }
  bool is_none() const { return kind_ == kind::none; }
  bool is_string() const { return kind_ == kind::string; }
  bool is_integral() const { return kind_ == kind::integer || kind_ == kind::boolean; }
  bool is_number() const { return is_integral() || kind_ == kind::real; }
  bool is_sequence() const { return kind_ == kind::list || kind_ == kind::tuple; }
  bool as_bool() const { return integer_ != 0; }
  int64_t as_integer() const { return integer_; }  // of an integral value
  double as_real() const { return kind_ == kind::real ? real_ : static_cast<double>(integer_); }
  std::string_view as_text() const { return {text_, size_}; }  // string, or undefined's "what"
  const list_object &as_list() const { return *list_; }
  const dict_object &as_dict() const { return *dict_; }
  object &as_object() const { return *object_; }

 private:
  explicit value(kind k) : kind_(k), size_(0), integer_(0) {}
  value(kind k, std::string_view t)
      : kind_(k), size_(static_cast<uint32_t>(t.size())), text_(t.data()) {}
  kind kind_;
  bool marked_ = false;
  uint32_t size_;  // bytes of text_
  union {
    int64_t integer_;
    double real_;
    const char *text_;
    const list_object *list_;
    const dict_object *dict_;
    object *object_;
  };
};

// What a running template may still use up; see template_limits. Throws error(failed) at zero.
struct budget {
  uint64_t steps, bytes;
  void step(uint64_t n = 1) {
    if (n > steps) exhausted("evaluation steps");
    steps -= n;
  }
  void take(uint64_t n_bytes) {
    if (n_bytes > bytes) exhausted("memory");
    bytes -= n_bytes;
  }
  [[noreturn]] static void exhausted(const char *what);
};
[[noreturn]] void refuse_marked();
// That of this thread's running template: comparing and printing nested values charge it too.
budget &current_budget();
class budget_scope {
 public:
  explicit budget_scope(budget &b);
  ~budget_scope();
  budget_scope(const budget_scope &) = delete;
  budget_scope &operator=(const budget_scope &) = delete;

 private:
  budget *before_;
};

struct list_object {  // also tuples and generators
  std::vector<value> items;
  const char *view = nullptr;     // "dict_items": what a dict's method gave, not really a list
  mutable bool consumed = false;  // a generator gives its items once
};

using dict_entry = std::pair<value, value>;
struct dict_object {
  std::vector<dict_entry> entries;  // insertion order
  const value *find(const value &key) const;
  const value *find(std::string_view key) const;
  void set(const value &key, const value &v);
};

// Anything with behaviour: what can be called, asked for attributes, or printed in its own way.
struct call_arguments {
  std::vector<value> positional;
  std::vector<std::pair<std::string_view, value>> named;
};
struct object {
  virtual ~object() = default;
  virtual const char *type_name() const = 0;
  virtual std::optional<value> attribute(machine &, std::string_view) { return std::nullopt; }
  virtual bool callable() const { return false; }
  virtual value call(machine &, const call_arguments &);
};

const char *type_name(const value &v);  // Python's: "str", "NoneType", "dict"
bool truth(const value &v);
bool equal(const value &a, const value &b);
bool same(const value &a, const value &b);  // Python's `is`

// Hashable: what may be a dict's key.
bool hashable(const value &v);

// str(v) and repr(v), appended. Undefined is "" as str.
void append_text(std::string &out, const value &v, int depth = 0);
void append_repr(std::string &out, const value &v, int depth = 0);
std::string real_repr(double d);  // "1.0", "1e+16", "inf"

size_t count_chars(std::string_view utf8);                   // code points
size_t byte_of_char(std::string_view utf8, size_t n_chars);  // offset of the n-th code point

}  // namespace assay::text::jinja
