// Parses the statements: for, if, set, with, macro, call, filter, print, generation, break, continue.
// Tags of Jinja that are not supported, such as include and extends, throw an error that names them.
#include <algorithm>

#include "jinja/builtins.hpp"
#include "jinja/parser.hpp"

namespace assay::text::jinja {
namespace {

constexpr std::string_view k_reserved[] = {"true", "false", "none", "True", "False", "None", "and",
                                           "or",   "not",   "if",   "else", "in",    "is"};

bool is_reserved(std::string_view name) {
  return std::find(std::begin(k_reserved), std::end(k_reserved), name) != std::end(k_reserved);
}

constexpr std::string_view k_unsupported[] = {"include",    "import", "from",  "extends", "block",
                                              "autoescape", "do",     "trans", "debug"};

}  // namespace

// Destroys the tree with a list of pending nodes, because a recursive destructor could overflow the
// stack for a long chain such as a + b + c + ...
expression::~expression() {
  std::vector<expression_ptr> pending;
  const auto take = [&pending](expression &e) {
    for (auto &part : e.parts)
      if (part) pending.push_back(std::move(part));
    if (!e.arguments) return;
    for (auto &argument : e.arguments->positional) pending.push_back(std::move(argument));
    for (auto &[name, argument] : e.arguments->named) pending.push_back(std::move(argument));
    if (e.arguments->star) pending.push_back(std::move(e.arguments->star));
    if (e.arguments->star_star) pending.push_back(std::move(e.arguments->star_star));
    e.arguments.reset();
    e.parts.clear();
  };
  take(*this);
  while (!pending.empty()) {
    const expression_ptr next = std::move(pending.back());
    pending.pop_back();
    if (next) take(*next);
  }
}

std::shared_ptr<const program> parse(std::string_view source) {
  return parser(source).run();
}

int program::find_symbol(std::string_view name) const {
  const auto it = std::find(symbols.begin(), symbols.end(), name);
  return it == symbols.end() ? -1 : static_cast<int>(it - symbols.begin());
}

std::shared_ptr<const program> parser::run() {
  program_->content = parse_body({});
  return program_;
}

void parser::note_macro_names(const std::string &name) {
  for (macro_definition *macro : macros_) {
    macro->uses_varargs |= name == "varargs";
    macro->uses_kwargs |= name == "kwargs";
    macro->uses_caller |= name == "caller";
  }
}

std::unique_ptr<statement> parser::begin(stmt_kind k) {
  auto s = std::make_unique<statement>();
  s->kind = k;
  s->line = current().line;
  return s;
}

// Parses statements up to a tag with one of the end names. The {% of that tag is skipped, and its name
// is the current token. Without end names, parses the rest of the template.
body parser::parse_body(ends end_names) {
  const nesting guard(*this);
  body result;
  while (current().kind != token_kind::end) {
    const token &t = current();
    if (t.kind == token_kind::data) {
      auto s = begin(stmt_kind::text);
      s->text = t.text;
      ++at_;
      result.push_back(std::move(s));
    } else if (t.kind == token_kind::variable_begin) {
      auto s = begin(stmt_kind::output);
      ++at_;
      s->value = parse_tuple(true, "", false);
      expect(token_kind::variable_end, "}}");
      result.push_back(std::move(s));
    } else {
      expect(token_kind::block_begin, "{%");
      if (current().kind == token_kind::name &&
          std::find(end_names.begin(), end_names.end(), current().text) != end_names.end())
        return result;
      result.push_back(parse_statement());
      expect(token_kind::block_end, "%}");
    }
  }
  if (end_names.size() > 0)
    fail_at(current().line,
            "the template ends before {% " + std::string(*(end_names.end() - 1)) + " %}");
  return result;
}

body parser::parse_block_body(ends end_names) {
  skip_sign(":");
  expect(token_kind::block_end, "%}");
  return parse_body(end_names);
}

std::unique_ptr<statement> parser::parse_statement() {
  if (current().kind != token_kind::name) fail_at(current().line, "a tag without a name");
  const std::string &tag = current().text;
  if (tag == "for") return parse_for();
  if (tag == "if") return parse_if();
  if (tag == "set") return parse_set();
  if (tag == "with") return parse_with();
  if (tag == "macro") return parse_macro();
  if (tag == "call") return parse_call_block();
  if (tag == "filter") return parse_filter_block();
  if (tag == "print") return parse_print();
  if (tag == "generation") return parse_generation();
  if (tag == "break" || tag == "continue") return parse_loop_control();
  if (std::find(std::begin(k_unsupported), std::end(k_unsupported), tag) != std::end(k_unsupported))
    fail_at(current().line, "the tag '" + tag + "' is not supported");
  fail_at(current().line, "unknown tag '" + tag + "'");
}

std::unique_ptr<statement> parser::parse_for() {
  auto s = begin(stmt_kind::loop);
  expect_name("for");
  s->assigned = parse_target(false, "in");
  expect_name("in");
  s->value = parse_tuple(false, "recursive", false);
  if (skip_name("if")) s->condition = parse_expression();
  s->recursive = skip_name("recursive");
  ++loops_;
  s->inner = parse_block_body({"else", "endfor"});
  --loops_;
  if (take_name() == "else") {
    s->other = parse_block_body({"endfor"});
    ++at_;
  }
  return s;
}

std::unique_ptr<statement> parser::parse_if() {
  auto s = begin(stmt_kind::conditional);
  std::string tag = take_name();
  while (tag == "if" || tag == "elif") {
    branch b;
    b.condition = parse_tuple(false, "", false);
    b.content = parse_block_body({"elif", "else", "endif"});
    s->branches.push_back(std::move(b));
    tag = take_name();
  }
  if (tag == "else") {
    branch b;
    b.content = parse_block_body({"endif"});
    s->branches.push_back(std::move(b));
    ++at_;
  }
  return s;
}

std::unique_ptr<statement> parser::parse_set() {
  auto s = begin(stmt_kind::assign);
  expect_name("set");
  s->assigned = parse_target(true, "");
  if (skip_sign("=")) {
    s->value = parse_tuple(true, "", false);
    return s;
  }
  s->kind = stmt_kind::assign_block;
  s->value = parse_filter(nullptr);
  const int loops = std::exchange(loops_, 0);
  s->inner = parse_block_body({"endset"});
  loops_ = loops;
  ++at_;
  return s;
}

std::unique_ptr<statement> parser::parse_with() {
  auto s = begin(stmt_kind::with);
  expect_name("with");
  while (current().kind != token_kind::block_end) {
    if (!s->targets.empty()) expect_sign(",");
    s->targets.push_back(parse_target(false, ""));
    expect_sign("=");
    s->values.push_back(parse_expression());
  }
  s->inner = parse_block_body({"endwith"});
  ++at_;
  return s;
}

std::vector<parameter> parser::parse_signature() {
  std::vector<parameter> result;
  expect_sign("(");
  while (!is_sign(")")) {
    if (!result.empty()) expect_sign(",");
    parameter p;
    const int line = current().line;
    p.name = take_name();
    p.symbol = symbol(p.name);
    if (skip_sign("="))
      p.fallback = parse_expression();
    else if (!result.empty() && result.back().fallback)
      fail_at(line, "a parameter without a default follows one with a default");
    result.push_back(std::move(p));
  }
  expect_sign(")");
  return result;
}

std::unique_ptr<statement> parser::parse_macro() {
  auto s = begin(stmt_kind::macro);
  expect_name("macro");
  s->definition = std::make_unique<macro_definition>();
  s->definition->name = take_name();
  s->assigned.symbol = symbol(s->definition->name);
  s->definition->parameters = parse_signature();
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(s->definition.get());
  s->definition->content = parse_block_body({"endmacro"});
  macros_.pop_back();
  loops_ = loops;
  ++at_;
  return s;
}

std::unique_ptr<statement> parser::parse_call_block() {
  auto s = begin(stmt_kind::call);
  expect_name("call");
  s->definition = std::make_unique<macro_definition>();
  s->definition->name = "caller";
  if (is_sign("(")) s->definition->parameters = parse_signature();
  s->value = parse_expression();
  if (s->value->kind != expr_kind::call) fail_at(s->line, "a call block without a call");
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(s->definition.get());
  s->definition->content = parse_block_body({"endcall"});
  macros_.pop_back();
  loops_ = loops;
  ++at_;
  return s;
}

std::unique_ptr<statement> parser::parse_filter_block() {
  auto s = begin(stmt_kind::filter);
  expect_name("filter");
  s->value = parse_filter(nullptr, true);
  const int loops = std::exchange(loops_, 0);
  s->inner = parse_block_body({"endfilter"});
  loops_ = loops;
  ++at_;
  return s;
}

std::unique_ptr<statement> parser::parse_print() {
  auto s = begin(stmt_kind::output);
  expect_name("print");
  s->value = parse_expression();
  if (is_sign(",")) fail_at(s->line, "{% print %} of several values is not supported");
  return s;
}

std::unique_ptr<statement> parser::parse_generation() {
  auto s = begin(stmt_kind::generation);
  ++at_;
  const int loops = std::exchange(loops_, 0);
  s->inner = parse_block_body({"endgeneration"});
  loops_ = loops;
  ++at_;
  return s;
}

std::unique_ptr<statement> parser::parse_loop_control() {
  auto s = begin(is_name("break") ? stmt_kind::leave : stmt_kind::next);
  if (loops_ == 0) fail_at(s->line, "'" + current().text + "' outside of a loop");
  ++at_;
  return s;
}

target parser::parse_one_target(bool with_attributes) {
  target t;
  t.line = current().line;
  if (skip_sign("(")) {
    t = parse_target(with_attributes, "");
    expect_sign(")");
    return t;
  }
  const std::string name = take_name();
  if (is_reserved(name)) fail_at(t.line, "'" + name + "' cannot be assigned to");
  t.symbol = symbol(name);
  if (with_attributes && skip_sign(".")) t.attribute = take_name();
  return t;
}

// Parses `a` or `a, b, ...` up to the end of the tag, '=', ')' or the name extra_end.
target parser::parse_target(bool with_attributes, std::string_view extra_end) {
  const nesting guard(*this);
  target first = parse_one_target(with_attributes);
  if (!is_sign(",")) return first;
  target tuple;
  tuple.line = first.line;
  tuple.parts.push_back(std::move(first));
  while (skip_sign(",")) {
    if (at_tuple_end(extra_end) || is_sign("=")) break;
    tuple.parts.push_back(parse_one_target(with_attributes));
  }
  return tuple;
}

}  // namespace assay::text::jinja
