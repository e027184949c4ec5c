// Decides whether two mathematical answers mean the same. It compares the normalised texts, then
// the values, and for formulas with variables the values at fixed sampling points. It does no
// symbolic algebra, and it does not search a long text for its final answer (extract.hpp does).
#pragma once

#include <string>
#include <string_view>

namespace answers {

enum class math_tier { none, text, value, sampled };  // how equality was found; none = not equal
const char *name_of(math_tier tier);

struct math_verdict {
  bool equal = false;
  math_tier tier = math_tier::none;
  bool prediction_parsed = false;  // it is a number, formula, tuple, interval or set
  bool gold_parsed = false;
};

// Compares a prediction with the gold answer. It reads integers, decimals, thousands separators,
// a/b, \frac, mixed numbers, percent, powers, \sqrt, \pi, + - * / and one-letter variables. It also
// reads tuples and intervals, whose brackets must agree, and sets, whose order does not matter.
// Degree signs are ignored. For a single number it ignores a unit or other words around it.
math_verdict grade_math(std::string_view prediction, std::string_view gold);

// Returns the text without $, \left, \right, spaces, degree signs and a final full stop. It keeps
// the content of \text{} and of similar commands, turns \dfrac and \tfrac into \frac, and writes
// the mixed number "1 1/2" as (1+1/2).
std::string normalise_math(std::string_view text);

}  // namespace answers
