// Normal forms of answers as the official scorers define them.
// Not mathematics (math_value).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace answers {

// SQuAD (evaluate-v2.0.py, normalize_answer): lower case, delete ASCII punctuation, articles to spaces, single spaces. In
// this order, each as Python 3 does it.
std::string squad_normalise(std::string_view text);

// Bag-of-words F1 of two normalised texts; 1 if both are empty, 0 if one is.
double token_f1(std::string_view prediction, std::string_view gold);

// lm-evaluation-harness, tasks/gsm8k/gsm8k.yaml, metric_list: regexes_to_ignore deletes "," and "$", everything up to the
// last "#### ", one final "."; ignore_case makes lower case of the rest.
std::string harness_clean(std::string_view text);

std::string trimmed(std::string_view text);                // str.strip()
std::string lower_case(std::string_view text);             // str.lower()
std::vector<std::string> words_of(std::string_view text);  // str.split()
size_t count_characters(std::string_view utf8);            // code points

}  // namespace answers
