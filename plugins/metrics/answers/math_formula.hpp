// Computes the value of a formula in normalised LaTeX or plain text: + - * / ^ %, \frac, \sqrt, \pi and one-letter variables.
// math_value.hpp compares two formulas.
#pragma once

#include <optional>
#include <string_view>

namespace answers {

struct evaluated {
  double value = 0.0;
  bool has_variables = false;
};

// Returns the value of the formula. point (0, 1, ...): which numbers are put in for the variables. At the same point a
// variable always gets the same number, at another point another one.
// nullopt: the text is no formula, or a number in it is too large.
std::optional<evaluated> formula_value(std::string_view text, int point);

}  // namespace answers
