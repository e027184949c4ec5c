// Runs a parsed chat template: it keeps the variables, evaluates expressions, executes statements,
// collects the output and enforces the limits. The language is that of Jinja2, Python's template
// library. jinja/builtins.hpp declares filters, tests and methods.
#pragma once

#include <ctime>
#include <deque>
#include <memory>
#include <string>

#include "jinja/ast.hpp"
#include "jinja/limits.hpp"
#include "jinja/value.hpp"

namespace assay::text::jinja {

// The variables of one block. Loop bodies, macros, `with` and captured blocks such as {% set x %} have
// a scope of their own; `if` has none. Scopes live as long as the machine, because a macro keeps the
// scope in which it was defined.
struct scope {
  scope *parent = nullptr;
  std::vector<std::pair<int, value>> variables;  // symbol, value
  bool captured = false;                         // a macro keeps it, so no loop may reuse it
  void set(int symbol, const value &v);
};

// One machine runs one template once. Errors are error(failed), most of them with the template's line.
// `code` must outlive the machine. now: what strftime_now shows; nullopt = the current local time.
class machine {
 public:
  machine(const program &code, const template_limits &limits, std::optional<std::tm> now);
  ~machine();
  machine(const machine &) = delete;
  machine &operator=(const machine &) = delete;

  void define(std::string_view name, const value &v);  // sets a global variable
  bool mentions(std::string_view name) const { return code_.find_symbol(name) >= 0; }
  // Turns JSON into a value. The value points to the texts of `borrowed`, which must outlive the machine. depth: how
  // deep `borrowed` lies inside the whole variable.
  value from_json(const json &borrowed, int depth = 0);
  std::string run();  // returns the output; to be called once

  // The functions from here to now() are for builtins (filters, tests, methods, global functions).
  // Values made here live as long as the machine.
  [[noreturn]] void fail(const std::string &message) const;  // at the current line
  value text(std::string owned);
  // view: the Python type name of a view of a dict, such as "dict_keys"; null for a plain list
  value list(std::vector<value> items, kind k = kind::list, const char *view = nullptr);
  value dict(dict_object entries);
  template <class T, class... A>
  T &make(A &&...a) {
    budget_.take(sizeof(T) + 64);
    auto owned = std::make_unique<T>(std::forward<A>(a)...);
    T &result = *owned;
    objects_.push_back(std::move(owned));
    return result;
  }
  void step(uint64_t n = 1) { budget_.step(n); }
  void work(size_t n_bytes) { budget_.step(n_bytes / 32); }  // the cost of scanning a text
  std::string to_text(const value &v);                       // str(v)
  std::vector<value> iterate(const value &v);                // items, keys or characters
  value attribute(const value &v, std::string_view name);    // v.name
  value item(const value &v, const value &key);              // v[key]
  value call(const value &callee, const call_arguments &arguments);
  std::tm now() const;

  // For calls of macros and of recursive loops; both return the output as a text. home: the scope in
  // which the macro was defined or the loop stands.
  value run_macro(const macro_definition &macro, scope &home, const call_arguments &arguments);
  value run_loop_again(const statement &loop, scope &home, const value &items, int depth);

 private:
  enum class flow { normal, leave, next };  // leave: after `break`; next: after `continue`
  class level;                              // counts nesting (jinja/level.hpp)

  value eval(const expression &e);
  value look_up(int symbol) const;
  value eval_dict(const expression &e);
  value eval_compare(const expression &e);
  value eval_concat(const expression &e);
  value eval_slice(const value &v, const expression &slice);
  value eval_call(const expression &e);
  value eval_filter(const expression &e, const value *input);
  call_arguments eval_arguments(const argument_list &list);

  flow exec(const body &statements);
  flow exec(const statement &s);
  flow exec_loop(const statement &s, const std::vector<value> &items, int depth);
  std::vector<value> loop_items(const statement &s, const value &iterable);
  void exec_call_block(const statement &s);
  void assign(const target &t, const value &v);
  std::string captured(const body &content);  // runs it in a new scope and returns the output
  void emit(std::string_view text);
  scope &new_scope(scope *parent);

  const program &code_;
  template_limits limits_;
  std::optional<std::tm> now_;
  budget budget_;
  uint64_t output_left_;
  int depth_ = 0;
  int line_ = 1;
  std::string *out_ = nullptr;
  std::string output_;
  std::deque<scope> scopes_;
  scope *current_ = nullptr;
  std::vector<value> globals_;  // by symbol: what define() has set, such as the builtins
  std::vector<bool> has_global_;
  int loop_symbol_, caller_symbol_, varargs_symbol_, kwargs_symbol_;
  // The texts, lists, dicts and objects that values point to. They keep their addresses: push_back never
  // moves the elements of a deque.
  std::deque<std::string> texts_;
  std::deque<list_object> lists_;
  std::deque<dict_object> dicts_;
  std::vector<std::unique_ptr<object>> objects_;
};

// Operators with the results of Python; jinja/operators.cpp. They throw where Python raises an error.
value apply(machine &m, op o, const value &a, const value &b);
bool compare(machine &m, op o, const value &a, const value &b);
bool less(machine &m, const value &a, const value &b);
bool contains(machine &m, const value &container, const value &v);
// Returns the indices that [start:stop:step] chooses from `length` items, in order; none = not given.
std::vector<size_t> slice_indices(machine &m, size_t length, const value &start, const value &stop,
                                  const value &step);

}  // namespace assay::text::jinja
