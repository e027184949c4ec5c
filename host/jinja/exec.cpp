// Executes the statements of a template: output, assignments, loops, macros.
// jinja/eval.cpp evaluates the expressions in them.
#include "core/error.hpp"
#include "jinja/builtins.hpp"
#include "jinja/level.hpp"
#include "jinja/machine.hpp"

namespace assay::text::jinja {
namespace {

// The object behind the variable `loop` of a for loop: loop.index, loop.first and so on.
class loop_object : public object {
 public:
  loop_object(const std::vector<value> &items, int depth) : items_(items), depth_(depth) {}
  const char *type_name() const override { return "LoopContext"; }
  void go_to(size_t index) { index_ = index; }
  // Lets the template call loop(items), as {% for ... recursive %} allows. `home` is the scope around
  // the for statement.
  void set_recursion(const statement *s, scope *home) {
    statement_ = s;
    home_ = home;
  }
  bool callable() const override { return true; }
  value call(machine &m, const call_arguments &arguments) override {
    if (!statement_) m.fail("'loop' is called, but its loop is not marked 'recursive'");
    const parameters p(m, "loop()", arguments, {"items"});
    return m.run_loop_again(*statement_, *home_, p.required(0), depth_ + 1);
  }
  std::optional<value> attribute(machine &m, std::string_view name) override;

 private:
  const std::vector<value> &items_;  // of the running loop
  size_t index_ = 0;
  int depth_;  // 0 = the loop itself, 1 = a loop(items) call inside it, ...
  const statement *statement_ = nullptr;
  scope *home_ = nullptr;
  std::optional<value> last_seen_;  // arguments of the last loop.changed(...)
  friend class loop_method;
};

// A method of `loop`: loop.cycle(a, b, ...) returns its arguments in turn; loop.changed(...) is true
// at its first call, and later if its arguments differ from those of the call before.
class loop_method : public object {
 public:
  loop_method(loop_object &loop, bool is_cycle) : loop_(loop), is_cycle_(is_cycle) {}
  const char *type_name() const override { return "method"; }
  bool callable() const override { return true; }
  value call(machine &m, const call_arguments &arguments) override {
    const auto &given = arguments.positional;
    if (is_cycle_) {
      if (given.empty()) m.fail("no items for cycling given");
      return given[loop_.index_ % given.size()];
    }
    const value now = m.list(given, kind::tuple);
    const bool changed = !loop_.last_seen_ || !equal(*loop_.last_seen_, now);
    loop_.last_seen_ = now;
    return value::boolean(changed);
  }

 private:
  loop_object &loop_;
  bool is_cycle_;
};

std::optional<value> loop_object::attribute(machine &m, std::string_view name) {
  const auto i = static_cast<int64_t>(index_), n = static_cast<int64_t>(items_.size());
  if (name == "index") return value::integer(i + 1);
  if (name == "index0") return value::integer(i);
  if (name == "revindex") return value::integer(n - i);
  if (name == "revindex0") return value::integer(n - i - 1);
  if (name == "first") return value::boolean(i == 0);
  if (name == "last") return value::boolean(i + 1 == n);
  if (name == "length") return value::integer(n);
  if (name == "depth") return value::integer(depth_ + 1);
  if (name == "depth0") return value::integer(depth_);
  if (name == "previtem") return i > 0 ? items_[index_ - 1] : value::undefined("loop.previtem");
  if (name == "nextitem") return i + 1 < n ? items_[index_ + 1] : value::undefined("loop.nextitem");
  if (name == "cycle" || name == "changed")
    return value::of(&m.make<loop_method>(*this, name == "cycle"));
  return std::nullopt;
}

// A macro as a value that can be called. home: the scope in which it was defined.
class macro_object : public object {
 public:
  macro_object(const macro_definition &d, scope &home) : definition_(d), home_(home) {}
  const char *type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  value call(machine &m, const call_arguments &arguments) override {
    return m.run_macro(definition_, home_, arguments);
  }
  std::optional<value> attribute(machine &, std::string_view name) override {
    if (name == "name") return value::string(definition_.name);
    return std::nullopt;
  }

 private:
  const macro_definition &definition_;
  scope &home_;
};

}  // namespace

std::string machine::run() {
  const budget_scope charging(budget_);
  out_ = &output_;
  current_ = &new_scope(nullptr);
  exec(code_.content);
  return std::move(output_);
}

// Appends to the current output. The template's own output counts against limits_.output_bytes. Text
// that is collected for a macro or a block such as {% set %} counts against limits_.value_bytes.
void machine::emit(std::string_view t) {
  if (out_ == &output_) {
    if (t.size() > output_left_) fail("the template's output is larger than allowed");
    output_left_ -= t.size();
  } else {
    budget_.take(t.size());
  }
  out_->append(t);
}

scope &machine::new_scope(scope *parent) {
  budget_.take(sizeof(scope));
  scopes_.push_back({parent, {}, false});
  return scopes_.back();
}

std::string machine::captured(const body &content) {
  std::string buffer;
  std::string *const outer_out = std::exchange(out_, &buffer);
  scope *const outer_scope = std::exchange(current_, &new_scope(current_));
  exec(content);
  current_ = outer_scope;
  out_ = outer_out;
  return buffer;
}

void machine::assign(const target &t, const value &v) {
  if (!t.parts.empty()) {
    const std::vector<value> items = iterate(v);
    if (v.is_undefined()) fail("'" + std::string(v.as_text()) + "' is undefined");
    if (items.size() != t.parts.size())
      fail("cannot unpack " + std::to_string(items.size()) + " values into " +
           std::to_string(t.parts.size()) + " names");
    for (size_t i = 0; i < items.size(); ++i) assign(t.parts[i], items[i]);
  } else if (!t.attribute.empty()) {
    set_attribute(*this, look_up(t.symbol), t.attribute, v);
  } else {
    budget_.take(32);
    current_->set(t.symbol, v);
  }
}

machine::flow machine::exec(const body &statements) {
  for (const auto &s : statements) {
    const flow f = exec(*s);
    if (f != flow::normal) return f;
  }
  return flow::normal;
}

machine::flow machine::exec(const statement &s) {
  const level guard(*this);
  line_ = s.line;
  switch (s.kind) {
    case stmt_kind::text:
      emit(s.text);
      break;
    case stmt_kind::output: {
      const value v = eval(*s.value);
      if (v.is_string())
        emit(v.as_text());
      else
        emit(to_text(v));
      break;
    }
    case stmt_kind::conditional:
      for (const branch &b : s.branches)
        if (!b.condition || truth(eval(*b.condition))) return exec(b.content);
      break;
    case stmt_kind::loop:
      return exec_loop(s, loop_items(s, eval(*s.value)), 0);
    case stmt_kind::assign:
      assign(s.assigned, eval(*s.value));
      break;
    case stmt_kind::assign_block: {
      value v = text(captured(s.inner));
      if (s.value) v = eval_filter(*s.value, &v);
      assign(s.assigned, v);
      break;
    }
    case stmt_kind::with: {
      std::vector<value> values;  // all are evaluated in the outer scope, before any assignment
      for (const auto &e : s.values) values.push_back(eval(*e));
      scope *const outer = std::exchange(current_, &new_scope(current_));
      for (size_t i = 0; i < values.size(); ++i) assign(s.targets[i], values[i]);
      const flow f = exec(s.inner);
      current_ = outer;
      return f;
    }
    case stmt_kind::macro:  // the macro keeps the scopes around it: no loop may reuse them
      for (scope *outer = current_; outer; outer = outer->parent) outer->captured = true;
      current_->set(s.assigned.symbol, value::of(&make<macro_object>(*s.definition, *current_)));
      break;
    case stmt_kind::call:
      exec_call_block(s);
      break;
    case stmt_kind::filter: {
      const value content = text(captured(s.inner));
      emit(to_text(eval_filter(*s.value, &content)));
      break;
    }
    case stmt_kind::generation:
      emit(captured(s.inner));
      break;
    case stmt_kind::leave:
      return flow::leave;
    case stmt_kind::next:
      return flow::next;
  }
  return flow::normal;
}

// Returns those items of a loop that fulfil the condition after its `if`; all items if it has no `if`.
std::vector<value> machine::loop_items(const statement &s, const value &iterable) {
  std::vector<value> items = iterate(iterable);
  if (!s.condition) return items;
  std::vector<value> kept;
  scope *const outer = std::exchange(current_, &new_scope(current_));
  for (const value &item : items) {
    assign(s.assigned, item);
    if (truth(eval(*s.condition))) kept.push_back(item);
  }
  current_ = outer;
  return kept;
}

machine::flow machine::exec_loop(const statement &s, const std::vector<value> &items, int depth) {
  scope *const outer = current_;
  if (items.empty()) {
    current_ = &new_scope(outer);
    const flow f = exec(s.other);
    current_ = outer;
    return f;
  }
  loop_object *loop = nullptr;
  if (loop_symbol_ >= 0) {
    // A variable can keep `loop` after the loop's end, and loop.previtem reads the items then. So
    // `loop` gets a copy of the items that lives as long as the machine.
    loop = &make<loop_object>(list(items).as_list().items, depth);
    if (s.recursive) loop->set_recursion(&s, outer);
  }
  scope *inner = &new_scope(outer);
  for (size_t i = 0; i < items.size(); ++i) {
    if (inner->captured) inner = &new_scope(outer);  // a macro keeps the scope of the item before
    inner->variables.clear();
    current_ = inner;
    if (loop) {
      loop->go_to(i);
      inner->set(loop_symbol_, value::of(loop));
    }
    assign(s.assigned, items[i]);
    if (exec(s.inner) == flow::leave) break;
  }
  current_ = outer;
  return flow::normal;
}

value machine::run_loop_again(const statement &s, scope &home, const value &items, int depth) {
  const level guard(*this);
  std::string buffer;
  std::string *const outer_out = std::exchange(out_, &buffer);
  scope *const outer_scope = std::exchange(current_, &home);
  exec_loop(s, loop_items(s, items), depth);
  current_ = outer_scope;
  out_ = outer_out;
  return text(std::move(buffer));
}

void machine::exec_call_block(const statement &s) {
  for (scope *outer = current_; outer; outer = outer->parent) outer->captured = true;
  macro_object &caller = make<macro_object>(*s.definition, *current_);
  const expression &call_expression = *s.value;
  const value callee = eval(*call_expression.parts[0]);
  call_arguments arguments = eval_arguments(*call_expression.arguments);
  arguments.named.emplace_back("caller", value::of(&caller));
  line_ = s.line;
  emit(to_text(call(callee, arguments)));
}

// Binds the positional arguments, then the named ones, then the defaults of the other parameters. Defines
// caller, kwargs and varargs if the macro uses them. Returns the output of the macro's body.
value machine::run_macro(const macro_definition &macro, scope &home,
                         const call_arguments &arguments) {
  const level guard(*this);
  const std::string what = "macro '" + macro.name + "'";
  const size_t n = macro.parameters.size();
  scope &inner = new_scope(&home);
  scope *const outer_scope = std::exchange(current_, &inner);
  std::vector<bool> given(n, false);
  for (size_t i = 0; i < arguments.positional.size() && i < n; ++i) {
    inner.set(macro.parameters[i].symbol, arguments.positional[i]);
    given[i] = true;
  }
  dict_object more;
  value caller = value::undefined("caller");
  for (const auto &[name, v] : arguments.named) {
    size_t i = 0;
    while (i < n && macro.parameters[i].name != name) ++i;
    if (i < n && !given[i]) {
      inner.set(macro.parameters[i].symbol, v);
      given[i] = true;
    } else if (i < n) {
      fail(what + " got two values for '" + std::string(name) + "'");
    } else if (name == "caller" && macro.uses_caller) {
      caller = v;
    } else if (macro.uses_kwargs) {
      more.set(text(std::string(name)), v);
    } else {
      fail(what + " takes no keyword argument '" + std::string(name) + "'");
    }
  }
  if (arguments.positional.size() > n && !macro.uses_varargs)
    fail(what + " takes not more than " + std::to_string(n) + " argument(s)");
  for (size_t i = 0; i < n; ++i) {
    if (given[i]) continue;
    const parameter &p = macro.parameters[i];
    inner.set(p.symbol, p.fallback ? eval(*p.fallback) : value::undefined(p.name));
  }
  if (macro.uses_caller) inner.set(caller_symbol_, caller);
  if (macro.uses_kwargs) inner.set(kwargs_symbol_, dict(std::move(more)));
  if (macro.uses_varargs) {
    std::vector<value> rest;
    for (size_t i = n; i < arguments.positional.size(); ++i)
      rest.push_back(arguments.positional[i]);
    inner.set(varargs_symbol_, list(std::move(rest), kind::tuple));
  }
  std::string buffer;
  std::string *const outer_out = std::exchange(out_, &buffer);
  exec(macro.content);
  out_ = outer_out;
  current_ = outer_scope;
  return text(std::move(buffer));
}

}  // namespace assay::text::jinja
