// Runs the regular expressions of a tokenizer.json with the library PCRE2, so that they mean the
// same as in Oniguruma, the engine of the reference. fast_split.hpp matches the known patterns of
// the big model families without a regular expression.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace assay::text {

// Translates Oniguruma's syntax to PCRE2's. In the result, \s is exactly Unicode's property
// White_Space, and classes such as \p{L} include the characters that only the reference's newer
// Unicode tables have. The result is compiled with PCRE2_MULTILINE: ^ and $ match at each line. Throws
// error(failed) that names a construct which this program does not translate.
std::string translate_pattern(std::string_view oniguruma);
// Returns a pattern that matches `literal` itself.
std::string escape_pattern(std::string_view literal);

class regex_pattern {
 public:
  // Throws error(failed) if the expression is not valid or cannot be translated.
  explicit regex_pattern(std::string_view oniguruma);
  static regex_pattern literal(std::string_view text);

  // Calls match(begin, end), in bytes, for each match in the text, from left to right. The text
  // must be valid UTF-8. As in the reference, an empty match directly after the last match is
  // skipped. Throws error(failed) if a match exceeds the limits that are set for PCRE2.
  void for_each(std::string_view text, const std::function<void(size_t, size_t)> &match) const;

  const std::string &source() const { return source_; }

 private:
  regex_pattern() = default;  // for literal(); compile() must follow
  void compile(const std::string &pcre);
  std::string source_;
  std::shared_ptr<void> code_;
};

}  // namespace assay::text
