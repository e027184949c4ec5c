// Normal forms of answers as the official scorers define them.
// Not mathematics (math_value).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace answers {

// SQuAD (evaluate-v2.0.py): lower case, delete ASCII punctuation, articles to spaces, single spaces. In this order.
std::string squad_normalise(std::string_view text);

// Bag-of-words F1 of two normalised texts; 1 if both are empty, 0 if one is.
double token_f1(std::string_view prediction, std::string_view gold);

// lm-evaluation-harness exact_match for GSM8K: deletes "," and "$", everything up to "#### ", one final ".".
std::string harness_clean(std::string_view text);

std::string trimmed(std::string_view text);
std::string lower_ascii(std::string_view text);
std::vector<std::string> words_of(std::string_view text);
size_t count_characters(std::string_view utf8);  // code points

}  // namespace answers
