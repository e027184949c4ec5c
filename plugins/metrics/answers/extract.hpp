// Finds the answer in a generated text, by the rules of published benchmarks and by rules of our own. The metrics
// compare it with the gold answer, the right one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace answers {

// Returns the answer that the rule finds, or nullopt. The rules:
// - "last_number" (written_number.hpp), "boxed" (the last \boxed{...}), "boxed_or_last_number"
// - "letter": the first capital letter from A to J with no ASCII letter, digit or _ beside it and no apostrophe after it
// - "gsm8k_strict", the first "#### n", and "gsm8k_flexible", the last number: the patterns of lm-evaluation-harness
// - "none" or an unknown name: the whole text without white space around it
std::optional<std::string> extract_answer(std::string_view text, std::string_view rule);

// Returns the content of the last \boxed{...}, or of the last \fbox{...} if there is none.
std::optional<std::string> last_boxed(std::string_view text);

}  // namespace answers
