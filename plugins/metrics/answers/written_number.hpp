// Numbers as people and models write them in a text, without what surrounds them: "$1,000," is 1000, "2½ hours" is 2.5.
// Not the published extractions (extract.hpp), which are compared as strings, and not formulas (math_value.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace answers {

struct written_number {
  size_t first = 0, end = 0;  // its place in the plain text: sign, digits, per cent, scale word
  std::string formula;        // its value for grade_math: "-1000.5", "(2+1/2)", "50%", "1.2*10^{6}"
  std::string bare;  // without per cent and scale word, "50", "1.2"; empty if there is neither
};

// One way of writing for what has several: ASCII digits, "-" for the minus signs, no invisible characters, "\$" "\%" and
// "{,}" as "$" "%" and ",", LaTeX's spaces as thin spaces, superscripts as "^{2}". Fractions in one character stay.
std::u32string plain_number_text(std::string_view utf8);

// All numbers of a plain text, in order. Digits that belong to a name, an exponent of a unit or an index ("CO2", "cm^2",
// "x_1") are left out, unless `also_in_names`.
std::vector<written_number> numbers_of(std::u32string_view plain, bool also_in_names = false);

// The last number of a text as it is written, with sign, per cent and scale word; nullopt if there is none.
std::optional<std::string> last_number(std::string_view utf8);

// The number of an answer that holds one number and beside it only words, units, currency, markup, punctuation or an
// equation to its left ("x = 72", "**72** km", "\$72."); nullopt if the answer may mean anything else.
struct lone_number {
  written_number number;
  int words_before = 0, words_behind = 0;  // beside it; a unit is a word
};
std::optional<lone_number> lone_number_of(std::string_view utf8);

}  // namespace answers
