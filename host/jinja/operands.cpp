// Parses the operands of expressions: literals, names, containers, indices, calls, filters and
// tests. jinja/parser.cpp parses the operators.
#include <charconv>

#include "jinja/builtins.hpp"
#include "jinja/parser.hpp"

namespace assay::text::jinja {

expression_ptr parser::parse_number() {
  const token &t = current();
  auto node = make(expr_kind::literal, t.line);
  const char *begin = t.text.data(), *end = begin + t.text.size();
  if (t.kind == token_kind::integer) {
    int64_t number = 0;
    if (std::from_chars(begin, end, number).ec != std::errc())
      fail_at(t.line, "the number " + t.text + " is too large");
    node->constant = value::integer(number);
  } else {
    double number = 0;
    if (std::from_chars(begin, end, number).ec != std::errc())
      fail_at(t.line, "the number " + t.text + " is out of range");
    node->constant = value::real(number);
  }
  ++at_;
  return node;
}

expression_ptr parser::parse_literal_or_name() {
  const token &t = current();
  const std::string &s = t.text;
  ++at_;
  auto node = make(expr_kind::literal, t.line);
  if (s == "true" || s == "True") {
    node->constant = value::boolean(true);
  } else if (s == "false" || s == "False") {
    node->constant = value::boolean(false);
  } else if (s == "none" || s == "None") {
    node->constant = value::none();
  } else {
    if (s == "self") fail_at(t.line, "the name 'self' is not supported");
    node->kind = expr_kind::name;
    node->text = s;
    node->symbol = symbol(s);
    note_macro_names(s);
  }
  return node;
}

expression_ptr parser::parse_primary() {
  const token &t = current();
  if (t.kind == token_kind::name) return parse_literal_or_name();
  if (t.kind == token_kind::integer || t.kind == token_kind::real) return parse_number();
  if (t.kind == token_kind::string) {
    auto node = make(expr_kind::literal, t.line);
    while (current().kind == token_kind::string) node->text += tokens_[at_++].text;
    node->constant = value::string(node->text);  // only points to the text, which the node owns
    return node;
  }
  if (skip_sign("(")) {
    auto node = parse_tuple(true, "", true);
    expect_sign(")");
    return node;
  }
  if (is_sign("[")) return parse_list();
  if (is_sign("{")) return parse_dict();
  unexpected();
}

bool parser::at_tuple_end(std::string_view extra_end) const {
  const token_kind k = current().kind;
  return k == token_kind::variable_end || k == token_kind::block_end || is_sign(")") ||
         (!extra_end.empty() && is_name(extra_end));
}

expression_ptr parser::parse_tuple(bool conditional, std::string_view extra_end,
                                   bool in_parentheses) {
  const int line = current().line;
  std::vector<expression_ptr> parts;
  bool is_tuple = false;
  while (!at_tuple_end(extra_end)) {
    parts.push_back(parse_expression(conditional));
    if (!skip_sign(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !parts.empty()) return std::move(parts[0]);
  if (!is_tuple && !in_parentheses) unexpected();
  auto node = make(expr_kind::tuple, line);
  node->parts = std::move(parts);
  return node;
}

expression_ptr parser::parse_list() {
  auto node = make(expr_kind::list, current().line);
  expect_sign("[");
  while (!is_sign("]")) {
    node->parts.push_back(parse_expression());
    if (!skip_sign(",")) break;
  }
  expect_sign("]");
  return node;
}

expression_ptr parser::parse_dict() {
  auto node = make(expr_kind::dict, current().line);
  expect_sign("{");
  while (!is_sign("}")) {
    node->parts.push_back(parse_expression());
    expect_sign(":");
    node->parts.push_back(parse_expression());
    if (!skip_sign(",")) break;
  }
  expect_sign("}");
  return node;
}

expression_ptr parser::parse_postfix(expression_ptr node) {
  while (is_sign(".") || is_sign("[") || is_sign("("))
    node = is_sign("(") ? parse_call(std::move(node)) : parse_subscript(std::move(node));
  return node;
}

expression_ptr parser::parse_filters_and_tests(expression_ptr node) {
  while (true) {
    if (is_sign("|"))
      node = parse_filter(std::move(node));
    else if (is_name("is"))
      node = parse_test(std::move(node));
    else if (is_sign("("))
      node = parse_call(std::move(node));
    else
      return node;
  }
}

expression_ptr parser::parse_subscript(expression_ptr node) {
  const int line = current().line;
  if (skip_sign(".")) {
    if (current().kind == token_kind::integer) {
      auto result = make(expr_kind::item, line);
      result->parts.push_back(std::move(node));
      result->parts.push_back(parse_number());
      return result;
    }
    auto result = make(expr_kind::attribute, line);
    result->text = take_name();
    result->parts.push_back(std::move(node));
    return result;
  }
  expect_sign("[");
  std::vector<expression_ptr> indices;
  while (!is_sign("]")) {
    if (!indices.empty()) expect_sign(",");
    indices.push_back(parse_subscribed());
  }
  expect_sign("]");
  auto result = make(expr_kind::item, line);
  result->parts.push_back(std::move(node));
  if (indices.size() == 1) {
    result->parts.push_back(std::move(indices[0]));
  } else {
    auto tuple = make(expr_kind::tuple, line);
    tuple->parts = std::move(indices);
    result->parts.push_back(std::move(tuple));
  }
  return result;
}

expression_ptr parser::parse_subscribed() {
  const int line = current().line;
  expression_ptr start, stop, step;
  if (!is_sign(":")) {
    start = parse_expression();
    if (!is_sign(":")) return start;
  }
  expect_sign(":");
  const auto at_end = [&] { return is_sign("]") || is_sign(",") || is_sign(":"); };
  if (!at_end()) stop = parse_expression();
  if (skip_sign(":") && !at_end()) step = parse_expression();
  auto node = make(expr_kind::slice, line);
  node->parts.push_back(std::move(start));
  node->parts.push_back(std::move(stop));
  node->parts.push_back(std::move(step));
  return node;
}

expression_ptr parser::parse_call(expression_ptr callee) {
  auto node = make(expr_kind::call, current().line);
  node->parts.push_back(std::move(callee));
  node->arguments = parse_arguments();
  return node;
}

std::unique_ptr<argument_list> parser::parse_arguments() {
  auto list = std::make_unique<argument_list>();
  const int line = current().line;
  const auto require = [&](bool ok) {
    if (!ok) fail_at(line, "invalid order of arguments in a call");
  };
  expect_sign("(");
  while (!is_sign(")")) {
    if (skip_sign("*")) {
      require(!list->star && !list->star_star);
      list->star = parse_expression();
    } else if (skip_sign("**")) {
      require(!list->star_star);
      list->star_star = parse_expression();
    } else if (current().kind == token_kind::name && ahead().kind == token_kind::sign &&
               ahead().text == "=") {
      require(!list->star_star);
      std::string key = take_name();
      ++at_;
      list->named.emplace_back(std::move(key), parse_expression());
    } else {
      require(!list->star && !list->star_star && list->named.empty());
      list->positional.push_back(parse_expression());
    }
    if (!skip_sign(",")) break;
  }
  expect_sign(")");
  return list;
}

expression_ptr parser::parse_filter(expression_ptr node, bool inline_start) {
  while (is_sign("|") || inline_start) {
    if (!inline_start) ++at_;
    inline_start = false;
    auto filter = make(expr_kind::filter, current().line);
    filter->text = take_name();
    filter->filter = find_filter(filter->text);
    filter->arguments = is_sign("(") ? parse_arguments() : std::make_unique<argument_list>();
    filter->parts.push_back(std::move(node));
    node = std::move(filter);
  }
  return node;
}

expression_ptr parser::parse_test(expression_ptr node) {
  auto test = make(expr_kind::test, current().line);
  ++at_;  // is
  const bool negated = skip_name("not");
  test->text = take_name();
  test->test = find_test(test->text);
  test->parts.push_back(std::move(node));
  test->arguments = std::make_unique<argument_list>();
  const token_kind k = current().kind;
  const bool starts_argument = k == token_kind::name || k == token_kind::string ||
                               k == token_kind::integer || k == token_kind::real || is_sign("[") ||
                               is_sign("{");
  if (is_sign("(")) {
    test->arguments = parse_arguments();
  } else if (starts_argument && !is_name("else") && !is_name("or") && !is_name("and")) {
    if (is_name("is")) fail_at(current().line, "tests cannot be chained with 'is'");
    const nesting guard(*this);
    test->arguments->positional.push_back(parse_postfix(parse_primary()));
  }
  if (!negated) return test;
  auto result = make(expr_kind::negate, test->line);
  result->parts.push_back(std::move(test));
  return result;
}

}  // namespace assay::text::jinja
