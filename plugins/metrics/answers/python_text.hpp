// Does what Python 3's str and re do with Unicode text: lower case, white space, word characters. The official scorers of
// benchmarks are Python programs, so only this gives exactly their numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace answers {

// decoded() turns UTF-8 into code points. A byte that is not UTF-8 becomes the code point U+DC00 + byte. encoded()
// turns code points into UTF-8, and such a code point into its byte again.
std::u32string decoded(std::string_view utf8);
std::string encoded(std::u32string_view text);

std::u32string python_lower(
    std::u32string_view text);     // str.lower(), with its rules for sigma and U+0130
bool is_python_space(char32_t c);  // white space of str.split() and str.strip()
bool is_python_word(char32_t c);   // \w of re

// The tables of python_text_tables.cpp. A set of code points is a list of runs. Each run is two numbers: the gap
// between it and the run before it, and its length.
namespace tables {
extern const uint32_t k_word[], k_space[], k_cased[], k_case_ignorable[];
extern const size_t k_word_count, k_space_count, k_cased_count, k_case_ignorable_count;
extern const int32_t
    k_lower[];  // runs of capital letters: first, count, step, distance to lower case
extern const size_t k_lower_count;
}  // namespace tables

}  // namespace answers
