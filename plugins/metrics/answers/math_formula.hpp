// Evaluates a formula in normalised LaTeX or plain text: + - * / ^ %, \frac, \sqrt, \pi, one-letter variables.
// Not the comparison of two of them (math_value.hpp).
#pragma once

#include <optional>
#include <string_view>

namespace answers {

struct evaluated {
  double value = 0.0;
  bool has_variables = false;
};

// The value with the variables at one of the fixed sampling points (0, 1, ...); nullopt: no formula, or too large a number.
std::optional<evaluated> formula_value(std::string_view text, int point);

}  // namespace answers
