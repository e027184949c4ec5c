// Parses the operators of expressions. Their precedence is that of Jinja2 (Python's template library),
// from weakest to strongest: conditional, or, and, not, comparison, + -, ~, * / // %, **, filters and
// tests, unary + -, postfix (. [] ()). So -x|abs is (-x)|abs. jinja/operands.cpp parses operands,
// jinja/statements.cpp parses statements.
#include "jinja/parser.hpp"

namespace assay::text::jinja {
namespace {

constexpr int k_max_depth = 100;  // nested expressions and blocks; each takes about 12 C++ calls

}  // namespace

parser::nesting::nesting(parser &p) : parser_(p) {
  if (++p.depth_ > k_max_depth) {
    --p.depth_;
    fail_at(p.current().line, "expressions or blocks nested deeper than 100 levels");
  }
}

bool parser::skip_sign(std::string_view s) {
  if (!is_sign(s)) return false;
  ++at_;
  return true;
}

bool parser::skip_name(std::string_view s) {
  if (!is_name(s)) return false;
  ++at_;
  return true;
}

void parser::expect_sign(std::string_view s) {
  if (!skip_sign(s))
    fail_at(current().line, "'" + std::string(s) + "' is expected, not '" + current().text + "'");
}

void parser::expect_name(std::string_view s) {
  if (!skip_name(s))
    fail_at(current().line, "'" + std::string(s) + "' is expected, not '" + current().text + "'");
}

std::string parser::take_name() {
  if (current().kind != token_kind::name) unexpected();
  return tokens_[at_++].text;
}

void parser::expect(token_kind k, const char *what) {
  if (current().kind != k)
    fail_at(current().line,
            std::string("the tag's end ") + what + " is expected, not '" + current().text + "'");
  ++at_;
}

void parser::unexpected() const {
  switch (current().kind) {
    case token_kind::end:
      fail_at(current().line, "the template ends in the middle of a construct");
    case token_kind::block_end:
    case token_kind::variable_end:
      fail_at(current().line, "the tag ends where an expression or a name is expected");
    default:
      fail_at(current().line, "unexpected '" + current().text + "'");
  }
}

int parser::symbol(const std::string &name) {
  const auto [it, is_new] = symbol_of_.try_emplace(name, static_cast<int>(symbol_of_.size()));
  if (is_new) program_->symbols.push_back(name);
  return it->second;
}

expression_ptr parser::make(expr_kind k, int line) const {
  auto node = std::make_unique<expression>();
  node->kind = k;
  node->line = line;
  return node;
}

expression_ptr parser::parse_expression(bool conditional) {
  const nesting guard(*this);
  return conditional ? parse_conditional() : parse_or();
}

expression_ptr parser::parse_conditional() {
  int line = current().line;
  expression_ptr left = parse_or();
  while (skip_name("if")) {
    auto node = make(expr_kind::conditional, line);
    node->parts.push_back(parse_or());
    node->parts.push_back(std::move(left));
    if (skip_name("else")) {
      const nesting guard(*this);
      node->parts.push_back(parse_conditional());
    } else {
      node->parts.push_back(nullptr);
    }
    left = std::move(node);
    line = current().line;
  }
  return left;
}

expression_ptr parser::parse_or() {
  expression_ptr left = parse_and();
  while (is_name("or")) {
    auto node = make(expr_kind::either, tokens_[at_++].line);
    node->parts.push_back(std::move(left));
    node->parts.push_back(parse_and());
    left = std::move(node);
  }
  return left;
}

expression_ptr parser::parse_and() {
  expression_ptr left = parse_not();
  while (is_name("and")) {
    auto node = make(expr_kind::both, tokens_[at_++].line);
    node->parts.push_back(std::move(left));
    node->parts.push_back(parse_not());
    left = std::move(node);
  }
  return left;
}

expression_ptr parser::parse_not() {
  if (!is_name("not")) return parse_compare();
  const nesting guard(*this);
  auto node = make(expr_kind::negate, tokens_[at_++].line);
  node->parts.push_back(parse_not());
  return node;
}

expression_ptr parser::parse_compare() {
  static constexpr std::pair<std::string_view, op> k_signs[] = {
      {"==", op::equal},      {"!=", op::unequal}, {"<", op::less},
      {"<=", op::less_equal}, {">", op::greater},  {">=", op::greater_equal}};
  const int line = current().line;
  std::vector<expression_ptr> parts;
  std::vector<op> ops;
  parts.push_back(parse_sum());
  while (true) {
    const size_t before = ops.size();
    for (const auto &[sign, meaning] : k_signs)
      if (is_sign(sign)) ops.push_back(meaning);
    if (ops.size() > before) {
      ++at_;
    } else if (skip_name("in")) {
      ops.push_back(op::in);
    } else if (is_name("not") && ahead().kind == token_kind::name && ahead().text == "in") {
      at_ += 2;
      ops.push_back(op::not_in);
    } else {
      break;
    }
    parts.push_back(parse_sum());
  }
  if (ops.empty()) return std::move(parts[0]);
  auto node = make(expr_kind::compare, line);
  node->parts = std::move(parts);
  node->ops = std::move(ops);
  return node;
}

expression_ptr parser::parse_sum() {
  expression_ptr left = parse_concat();
  while (is_sign("+") || is_sign("-")) {
    auto node = make(expr_kind::binary, current().line);
    node->ops.push_back(is_sign("+") ? op::add : op::subtract);
    ++at_;
    node->parts.push_back(std::move(left));
    node->parts.push_back(parse_concat());
    left = std::move(node);
  }
  return left;
}

expression_ptr parser::parse_concat() {
  const int line = current().line;
  expression_ptr first = parse_product();
  if (!is_sign("~")) return first;
  auto node = make(expr_kind::concat, line);
  node->parts.push_back(std::move(first));
  while (skip_sign("~")) node->parts.push_back(parse_product());
  return node;
}

expression_ptr parser::parse_product() {
  expression_ptr left = parse_power();
  while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
    auto node = make(expr_kind::binary, current().line);
    const std::string &sign = current().text;
    node->ops.push_back(sign == "*"    ? op::multiply
                        : sign == "/"  ? op::divide
                        : sign == "//" ? op::floor_divide
                                       : op::modulo);
    ++at_;
    node->parts.push_back(std::move(left));
    node->parts.push_back(parse_power());
    left = std::move(node);
  }
  return left;
}

expression_ptr parser::parse_power() {
  expression_ptr left = parse_unary();
  while (is_sign("**")) {
    auto node = make(expr_kind::binary, tokens_[at_++].line);
    node->ops.push_back(op::power);
    node->parts.push_back(std::move(left));
    node->parts.push_back(parse_unary());
    left = std::move(node);
  }
  return left;
}

expression_ptr parser::parse_unary(bool with_filter) {
  expression_ptr node;
  if (is_sign("-") || is_sign("+")) {
    const nesting guard(*this);
    node = make(is_sign("-") ? expr_kind::minus : expr_kind::plus, current().line);
    ++at_;
    node->parts.push_back(parse_unary(false));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filter ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

}  // namespace assay::text::jinja
