// Cuts a template into tokens: the text between tags, and the words and signs inside tags. Removes
// white space around tags and replaces escapes in strings. jinja/parser.hpp parses the tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::text::jinja {

enum class token_kind : uint8_t {
  data,            // template text
  variable_begin,  // {{
  variable_end,    // }}
  block_begin,     // {%
  block_end,       // %}
  name,
  string,
  integer,
  real,
  sign,  // an operator, a bracket or one of . : | , ; (token::text has it)
  end
};

struct token {
  token_kind kind;
  int line;          // of its first character, from 1
  std::string text;  // strings unescaped; numbers without underscores
};

// Works like Jinja2 (Python's template library) with the options that Hugging Face's transformers
// sets: trim_blocks removes a line end directly after a {% %} or {# #} tag, and lstrip_blocks removes
// the blanks before such a tag if nothing else precedes it on its line. One line end at the
// template's end is removed; all other line ends become \n. Throws error(failed), with the line, if
// the source cannot be cut into tokens.
std::vector<token> tokenize(std::string_view source);

// Throws error(failed) at "chat template line N".
[[noreturn]] void fail_at(int line, const std::string &message);

}  // namespace assay::text::jinja
