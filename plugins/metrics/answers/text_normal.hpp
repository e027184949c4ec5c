// Normal forms of answers, as SQuAD's official script and lm-evaluation-harness (for GSM8K) define them. math_value.hpp does
// the same for mathematical answers, by rules of our own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace answers {

// Normalises as SQuAD's script does (evaluate-v2.0.py, normalize_answer), each step as in Python 3: makes lower case,
// deletes ASCII punctuation, replaces articles by spaces, leaves single spaces.
std::string squad_normalise(std::string_view text);

// Returns the F1 of the words of two normalised texts; the order of words does not matter. 1 if both are empty, 0 if only one is.
double token_f1(std::string_view prediction, std::string_view gold);

// Normalises as lm-evaluation-harness does (tasks/gsm8k/gsm8k.yaml, metric_list): deletes "," and "$", everything up
// to the last "#### ", and one final "."; then makes lower case.
std::string harness_clean(std::string_view text);

std::string trimmed(std::string_view text);                // str.strip()
std::string lower_case(std::string_view text);             // str.lower()
std::vector<std::string> words_of(std::string_view text);  // str.split()
size_t count_characters(std::string_view utf8);            // code points

}  // namespace answers
