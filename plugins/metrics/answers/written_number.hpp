// Finds numbers as people and models write them, without what surrounds them: "$1,000," is 1000, "2½ hours" is 2.5.
// extract.hpp has the rules of published benchmarks, math_value.hpp compares formulas.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace answers {

struct written_number {
  size_t first = 0, end = 0;  // place in the plain text, with sign, per cent and scale word
  std::string formula;        // for grade_math: "-1000.5", "(2+1/2)", "(50)%", "(1.2)*10^{6}"
  // The formula without per cent and scale word: "50", "1.2". Empty if the number has neither of them.
  std::string bare;
};

// Returns the *plain text*, in which things that can be written in several ways have one form: ASCII digits, "-" for all minus
// signs, no invisible characters, "$" for "\$", "%" for "\%", "," for "{,}", thin spaces for LaTeX's spaces, "^{2}" for
// superscripts. A fraction that is one character (½) stays.
std::u32string plain_number_text(std::string_view utf8);

// Returns all numbers of a plain text in order. Digits in a name, the exponent of a unit or an index ("CO2", "cm^2", "x_1")
// are left out, unless `also_in_names` is true.
std::vector<written_number> numbers_of(std::u32string_view plain, bool also_in_names = false);

// Returns the last number as it stands in the plain text, with sign, per cent and scale word; nullopt if there is none.
std::optional<std::string> last_number(std::string_view utf8);

// The only number of an answer, if all that is beside it are words, units, currency, markup, punctuation, or an
// equation to its left: "x = 72", "**72** km", "\$72.".
struct lone_number {
  written_number number;
  int words_before = 0, words_behind = 0;  // a unit is a word
};
// Returns nullopt if the answer may mean anything else.
std::optional<lone_number> lone_number_of(std::string_view utf8);

}  // namespace answers
