// Parses the tokens of a template into a tree (jinja/ast.hpp). The language is that of Jinja2, Python's
// template library. Tags that this interpreter lacks are refused here, by name. Unknown filters and
// tests are refused only when they run.
#pragma once

#include <initializer_list>
#include <string_view>
#include <unordered_map>

#include "jinja/ast.hpp"
#include "jinja/lexer.hpp"

namespace assay::text::jinja {

// Throws error(failed), with the template's line, if the source is not a valid template.
std::shared_ptr<const program> parse(std::string_view source);

// A recursive descent parser: one method for each rule of the grammar. It follows Jinja2's own parser
// rule by rule, and most methods have the names that Jinja2 gives them. jinja/parser.cpp has the operators,
// jinja/operands.cpp the operands, jinja/statements.cpp the statements.
class parser {
 public:
  explicit parser(std::string_view source) : tokens_(tokenize(source)) {}
  std::shared_ptr<const program> run();

 private:
  using ends = std::initializer_list<std::string_view>;

  const token &current() const { return tokens_[at_]; }
  const token &ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  bool is_sign(std::string_view s) const {
    return current().kind == token_kind::sign && current().text == s;
  }
  bool is_name(std::string_view s) const {
    return current().kind == token_kind::name && current().text == s;
  }
  bool skip_sign(std::string_view s);  // skips the token if it is this sign; returns whether it was
  bool skip_name(std::string_view s);
  void expect_sign(std::string_view s);  // skips the token; throws if it is not this sign
  void expect_name(std::string_view s);
  std::string take_name();  // returns the name at this place and skips it; throws if it is none
  void expect(token_kind k, const char *what);
  [[noreturn]] void unexpected() const;
  int symbol(const std::string &name);  // a variable's number; a new name gets the next number

  // Each parse function begins at the current token and ends at the token after what it parsed.
  // conditional: `x if c else y` is allowed. with_filter: filters and tests may follow. extra_end: a
  // name that ends the tuple, such as `in`. in_parentheses: the tuple may be empty. inline_start: the
  // first filter's name stands without a `|` before it.
  expression_ptr make(expr_kind k, int line) const;
  expression_ptr parse_expression(bool conditional = true);
  expression_ptr parse_conditional();
  expression_ptr parse_or();
  expression_ptr parse_and();
  expression_ptr parse_not();
  expression_ptr parse_compare();
  expression_ptr parse_sum();
  expression_ptr parse_concat();
  expression_ptr parse_product();
  expression_ptr parse_power();
  expression_ptr parse_unary(bool with_filter = true);
  expression_ptr parse_primary();
  expression_ptr parse_literal_or_name();
  expression_ptr parse_number();
  expression_ptr parse_tuple(bool conditional, std::string_view extra_end, bool in_parentheses);
  expression_ptr parse_list();
  expression_ptr parse_dict();
  expression_ptr parse_postfix(expression_ptr node);
  expression_ptr parse_filters_and_tests(expression_ptr node);
  expression_ptr parse_subscript(expression_ptr node);
  expression_ptr parse_subscribed();
  expression_ptr parse_call(expression_ptr node);
  expression_ptr parse_filter(expression_ptr node, bool inline_start = false);
  expression_ptr parse_test(expression_ptr node);
  std::unique_ptr<argument_list> parse_arguments();
  bool at_tuple_end(std::string_view extra_end) const;

  body parse_body(ends end_names);        // ends at the name of the end tag
  body parse_block_body(ends end_names);  // skips the end of the opening tag first
  std::unique_ptr<statement> parse_statement();
  std::unique_ptr<statement> parse_for();
  std::unique_ptr<statement> parse_if();
  std::unique_ptr<statement> parse_set();
  std::unique_ptr<statement> parse_with();
  std::unique_ptr<statement> parse_macro();
  std::unique_ptr<statement> parse_call_block();
  std::unique_ptr<statement> parse_filter_block();
  std::unique_ptr<statement> parse_print();
  std::unique_ptr<statement> parse_generation();
  std::unique_ptr<statement> parse_loop_control();
  std::vector<parameter> parse_signature();
  target parse_target(bool with_attributes, std::string_view extra_end);
  target parse_one_target(bool with_attributes);
  std::unique_ptr<statement> begin(stmt_kind k);
  void note_macro_names(const std::string &name);  // notes the use of varargs, kwargs and caller

  // An object of this class counts as one level of nesting while it lives. The constructor throws
  // beyond 100 levels, because deeper recursion could overflow the stack.
  class nesting {
   public:
    explicit nesting(parser &p);
    ~nesting() { --parser_.depth_; }
    nesting(const nesting &) = delete;
    nesting &operator=(const nesting &) = delete;

   private:
    parser &parser_;
  };

  std::vector<token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;                           // loops around this place, for break and continue
  std::vector<macro_definition *> macros_;  // open macro and call bodies, innermost last
  std::unordered_map<std::string, int> symbol_of_;
  std::shared_ptr<program> program_ = std::make_shared<program>();
};

}  // namespace assay::text::jinja
