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

// Returns the value of the formula. Each variable has a fixed value at each point (0, 1, ...), and other values at other points.
// nullopt: the text is no formula, or a number in it is too large.
std::optional<evaluated> formula_value(std::string_view text, int point);

}  // namespace answers
