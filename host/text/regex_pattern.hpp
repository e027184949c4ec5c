// A regular expression of a tokenizer.json, run by PCRE2 with the reference engine's meaning.
// Not for the known patterns of the big families; fast_split.hpp matches those directly.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace assay::text {

// Oniguruma's syntax as PCRE2 understands it: \s is exactly White_Space, \p{L} and the like include
// the characters that the reference's newer tables have, ^ and $ look at lines. Throws
// error(failed) naming a construct that has no equal.
std::string translate_pattern(std::string_view oniguruma);
std::string escape_pattern(std::string_view literal);

class regex_pattern {
 public:
  explicit regex_pattern(std::string_view oniguruma);
  static regex_pattern literal(std::string_view text);

  // Calls match(begin, end) for each match in valid UTF-8 text, left to right, as the reference
  // iterates: an empty match right behind the last match is passed over.
  void for_each(std::string_view text, const std::function<void(size_t, size_t)> &match) const;

  const std::string &source() const { return source_; }

 private:
  regex_pattern() = default;
  void compile(const std::string &pcre);
  std::string source_;
  std::shared_ptr<void> code_;
};

}  // namespace assay::text
