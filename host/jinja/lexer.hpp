// Cuts a template into tokens: text between tags, and the words and signs inside them.
// Not their grammar (jinja_parser). White space control and string escapes are settled here.
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
  sign,  // an operator or bracket, spelled in text
  end
};

struct token {
  token_kind kind;
  int line;          // of its first character, from 1
  std::string text;  // strings unescaped; numbers without underscores
};

// Environment of the reference: trim_blocks, lstrip_blocks, one trailing newline removed, line ends
// turned into \n. Throws error(failed) "line N: ..." for what cannot be a template.
std::vector<token> tokenize(std::string_view source);

[[noreturn]] void fail_at(int line, const std::string &message);

}  // namespace assay::text::jinja
