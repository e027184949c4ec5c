// Runs a parsed template: variables and scopes, expressions, statements, output, limits.
// Not the filters, tests and methods themselves; jinja_builtins.hpp lists them.
#pragma once

#include <ctime>
#include <deque>
#include <memory>
#include <string>

#include "jinja/ast.hpp"
#include "jinja/limits.hpp"
#include "jinja/value.hpp"

namespace assay::text::jinja {

// Variables of one block. A loop's body, a macro, `with` and captured blocks have their own; `if`
// has not. Lives in the machine's arena, since macros keep the scope that they were defined in.
struct scope {
  scope *parent = nullptr;
  std::vector<std::pair<int, value>> variables;  // symbol, value
  bool captured = false;                         // a macro was defined here: not to be reused
  void set(int symbol, const value &v);
};

class machine {
 public:
  machine(const program &code, const template_limits &limits, std::optional<std::tm> now);
  ~machine();
  machine(const machine &) = delete;
  machine &operator=(const machine &) = delete;

  void define(std::string_view name, const value &v);  // a variable of the outermost scope
  bool mentions(std::string_view name) const { return code_.find_symbol(name) >= 0; }
  value from_json(const json &borrowed, int depth = 0);
  std::string run();

  // For builtins. Values made here live as long as the machine.
  [[noreturn]] void fail(const std::string &message) const;  // at the current line
  value text(std::string owned);
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
  void work(size_t n_bytes) { budget_.step(n_bytes / 32); }  // scanning a text costs too
  std::string to_text(const value &v);                       // str(v)
  std::vector<value> iterate(const value &v);                // the items of any iterable
  value attribute(const value &v, std::string_view name);    // v.name
  value item(const value &v, const value &key);              // v[key]
  value call(const value &callee, const call_arguments &arguments);
  std::tm now() const;

  // For macros and loops.
  value run_macro(const macro_definition &macro, scope &home, const call_arguments &arguments);
  value run_loop_again(const statement &loop, scope &home, const value &items, int depth);

 private:
  enum class flow { normal, leave, next };
  class level;  // counts nesting

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
  std::string captured(const body &content);  // runs it in a scope of its own; its output
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
  std::vector<value> globals_;  // by symbol: builtins and context
  std::vector<bool> has_global_;
  int loop_symbol_, caller_symbol_, varargs_symbol_, kwargs_symbol_;
  std::deque<std::string> texts_;
  std::deque<list_object> lists_;
  std::deque<dict_object> dicts_;
  std::vector<std::unique_ptr<object>> objects_;
};

// Operators with Python's meaning; jinja_operators.cpp.
value apply(machine &m, op o, const value &a, const value &b);
bool compare(machine &m, op o, const value &a, const value &b);
bool less(machine &m, const value &a, const value &b);
bool contains(machine &m, const value &container, const value &v);
// Python's slice of a length: the chosen indices, in order.
std::vector<size_t> slice_indices(machine &m, size_t length, const value &start, const value &stop,
                                  const value &step);

}  // namespace assay::text::jinja
