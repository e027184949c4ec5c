// Declares the parsed form of a template: expressions and statements as a tree of plain structs.
// jinja/machine.hpp runs the tree.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jinja/value.hpp"

namespace assay::text::jinja {

struct expression;
using expression_ptr = std::unique_ptr<expression>;

// The arguments of a call: (a, b, *star, key = c, **star_star)
struct argument_list {
  std::vector<expression_ptr> positional;
  std::vector<std::pair<std::string, expression_ptr>> named;
  expression_ptr star, star_star;
};

// The comment beside a kind says how it uses the fields of `expression`.
enum class expr_kind : uint8_t {
  literal,  // constant
  name,     // symbol
  list,
  tuple,
  dict,  // parts: key, value, key, value ...
  both,
  either,
  negate,   // both: and; either: or; negate: not
  compare,  // parts[0] ops[0] parts[1] ops[1] ...
  binary,   // ops[0] of parts[0], parts[1]
  minus,
  plus,
  concat,       // parts joined by ~
  conditional,  // parts: condition, then, else or null
  attribute,    // parts[0] . text
  item,         // parts[0] [ parts[1] ]
  slice,        // parts: start, stop, step, each may be null; only inside item
  call,         // parts[0] ( arguments )
  filter,       // parts[0] | text ( arguments ); parts[0] null in filter and set blocks
  test,         // parts[0] is text ( arguments )
};

enum class op : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};

struct filter_entry;  // jinja/builtins.hpp
struct test_entry;

struct expression {
  expression() = default;
  expression(const expression &) = delete;
  // Frees the tree without recursion. The tree of a long chain a + b + c + ... is so deep that recursion would
  // exhaust the stack.
  ~expression();

  expr_kind kind{};
  int line = 0;
  value constant;    // literal
  int symbol = -1;   // name: index into program::symbols
  std::string text;  // a string literal's bytes; name of a variable, attribute, filter or test
  std::vector<expression_ptr> parts;
  std::vector<op> ops;
  std::unique_ptr<argument_list> arguments;
  const filter_entry *filter = nullptr;  // not owned; null if there is no filter of this name
  const test_entry *test = nullptr;      // not owned; null if there is no test of this name
};

// What a statement can assign to: a name, ns.attribute of a namespace object, or a tuple of these.
struct target {
  int line = 0;
  int symbol = -1;            // of the name, or of ns
  std::string attribute;      // of ns; "" for a plain name
  std::vector<target> parts;  // of a tuple; else empty
};

struct parameter {
  int symbol;
  std::string name;
  expression_ptr fallback;  // default value; null = the parameter is required
};

struct statement;
using body = std::vector<std::unique_ptr<statement>>;

// A macro, or the body of a call block.
struct macro_definition {
  std::string name;  // "caller" for a call block
  std::vector<parameter> parameters;
  body content;
  bool uses_varargs = false, uses_kwargs = false, uses_caller = false;
};

// The comment beside a kind says how it uses the fields of `statement`.
enum class stmt_kind : uint8_t {
  text,          // text
  output,        // {{ value }}
  conditional,   // branches; the last may have no condition
  loop,          // for assigned in value if condition: inner; without any item: other
  assign,        // assigned = value
  assign_block,  // assigned = output of inner; value: filters on this output, or null
  with,          // targets[i] = values[i], while inner runs
  macro,         // assigned = the macro of definition
  call,          // value is a call; definition: the macro `caller` for the macro that is called
  filter,        // output of inner; value: filters on it
  generation,    // inner; the tag marks the model's answers for training and changes no output
  leave,         // break
  next,          // continue
};

struct branch {
  expression_ptr condition;  // null = else
  body content;
};

struct statement {
  stmt_kind kind;
  int line;
  std::string text;
  expression_ptr value, condition;
  target assigned;
  bool recursive = false;
  body inner, other;
  std::vector<branch> branches;
  std::vector<target> targets;
  std::vector<expression_ptr> values;
  std::unique_ptr<macro_definition> definition;
};

struct program {
  body content;
  std::vector<std::string> symbols;              // names of variables, by symbol
  int find_symbol(std::string_view name) const;  // -1 if the template does not mention it
};

}  // namespace assay::text::jinja
