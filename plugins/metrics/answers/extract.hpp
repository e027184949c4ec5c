// Finds the answer in a generated text, by the rules that published numbers use.
// Not the comparison with the gold answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace answers {

// "none" | "last_number" (written_number.hpp) | "boxed" (last \boxed{...}, braces matched) | "boxed_or_last_number" |
// "letter" (first lone A to J) | "gsm8k_strict" (first "#### n") and "gsm8k_flexible" (last match), exactly as
// lm-evaluation-harness has them. nullopt: no answer.
std::optional<std::string> extract_answer(std::string_view text, std::string_view rule);

std::optional<std::string> last_boxed(std::string_view text);

}  // namespace answers
