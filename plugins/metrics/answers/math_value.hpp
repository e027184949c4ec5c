// Whether two mathematical answers mean the same, in three tiers: normalised text, value, value at random points.
// Not a computer algebra system, and no extraction of answers.
#pragma once

#include <string>
#include <string_view>

namespace answers {

enum class math_tier { none, text, value, sampled };  // how equality was found
const char *name_of(math_tier tier);

struct math_verdict {
  bool equal = false;
  math_tier tier = math_tier::none;
  bool prediction_parsed = false;
  bool gold_parsed = false;
};

// Knows integers, decimals, thousands separators, a/b, \frac, mixed numbers, percent, powers, \sqrt, \pi, degrees,
// + - * /, one-letter variables; tuples and intervals (bracket types matter), sets (order does not).
math_verdict grade_math(std::string_view prediction, std::string_view gold);

// Without $, \left, \right, spaces, \text{}, units of style; \dfrac and \tfrac as \frac.
std::string normalise_math(std::string_view text);

}  // namespace answers
