// Declares the values of a running template, which behave like Python's. Besides the kinds of values
// that JSON has, there are tuples, generators, undefined values, functions and objects with state.
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
struct object;  // a namespace, loop, macro, method or function
class machine;  // the running template; jinja/machine.hpp

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

// A value has 16 bytes and is cheap to copy. It does not own what it points to: that belongs to the
// machine, to the parsed template or to the caller's JSON, and these outlive the value.
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
  // Returns this text with the mark that the filters `safe` and `escape` set. The mark says that the HTML
  // of the text is escaped already. So `+` escapes an unmarked text before it joins it to a marked one.
  // In Jinja2, Python's template library, a marked text has the class Markup. In this interpreter,
  // methods, other operators and some filters throw for a marked text.
  value marked() const {
    value v = *this;
    v.marked_ = true;
    return v;
  }
  bool is_marked() const { return marked_; }
  // The value of a name or attribute that does not exist. Error messages show borrowed_what, which
  // is mostly that name.
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
  std::string_view as_text() const { return {text_, size_}; }  // of a string or an undefined value
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

// What a running template may still use: steps of evaluation and bytes of memory (template_limits).
// step() and take() throw error(failed) if less is left than they ask for.
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
// Throws error(failed), which says that a marked text is used in a way that is not supported.
[[noreturn]] void refuse_marked();
// Returns the budget of the template that this thread runs. Functions without a machine, such as
// equal(), take their steps from it. Without a running template it has no limits.
budget &current_budget();
// Makes `b` the current budget of this thread for as long as the object lives.
class budget_scope {
 public:
  explicit budget_scope(budget &b);
  ~budget_scope();
  budget_scope(const budget_scope &) = delete;
  budget_scope &operator=(const budget_scope &) = delete;

 private:
  budget *before_;
};

// The items of a list, a tuple or a generator. Filters such as `map` return a generator, whose items can
// be read only once.
struct list_object {
  std::vector<value> items;
  const char *view = nullptr;     // Python's type name of a view of a dict, "dict_items"; else null
  mutable bool consumed = false;  // true once the items of a generator have been read
};

using dict_entry = std::pair<value, value>;
struct dict_object {
  std::vector<dict_entry> entries;  // in order of insertion
  // Both return null if there is no such key.
  const value *find(const value &key) const;
  const value *find(std::string_view key) const;
  void set(const value &key, const value &v);
};

struct call_arguments {
  std::vector<value> positional;
  std::vector<std::pair<std::string_view, value>> named;
};
// The base class of values with behaviour: they can be called, or have attributes of their own.
struct object {
  virtual ~object() = default;
  virtual const char *type_name() const = 0;
  virtual std::optional<value> attribute(machine &, std::string_view) { return std::nullopt; }
  virtual bool callable() const { return false; }
  virtual value call(machine &, const call_arguments &);
};

const char *type_name(const value &v);  // the name in Python: "str", "NoneType", "dict"
bool truth(const value &v);
bool equal(const value &a, const value &b);
bool same(const value &a, const value &b);  // Python's `is`

// Returns whether v may be a key of a dict. Lists and dicts may not be keys, nor may tuples that
// contain a list or a dict.
bool hashable(const value &v);

// Append Python's str(v) or repr(v); the str of an undefined value is "". They throw error(failed) for
// generators, functions and other objects, and for values nested deeper than 200 levels.
void append_text(std::string &out, const value &v, int depth = 0);
void append_repr(std::string &out, const value &v, int depth = 0);
std::string real_repr(double d);  // "1.0", "1e+16", "inf"

size_t count_chars(std::string_view utf8);                   // code points
size_t byte_of_char(std::string_view utf8, size_t n_chars);  // offset of the n-th code point

}  // namespace assay::text::jinja
