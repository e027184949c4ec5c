// What Python 3's str and re do with Unicode text: lower case, white space, word characters. The official scorers are
// Python programs, so their rules hold only with exactly these answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace answers {

// UTF-8 to code points and back. A byte that is not UTF-8 becomes U+DC00 + byte, and comes back as it was.
std::u32string decoded(std::string_view utf8);
std::string encoded(std::u32string_view text);

std::u32string python_lower(
    std::u32string_view text);     // str.lower(), with the final sigma and U+0130
bool is_python_space(char32_t c);  // of str.split() and str.strip()
bool is_python_word(char32_t c);   // \w of re

// Runs of code points (python_text_tables.cpp), as numbers in pairs: gap to the last run's end, length.
namespace tables {
extern const uint32_t k_word[], k_space[], k_cased[], k_case_ignorable[];
extern const size_t k_word_count, k_space_count, k_cased_count, k_case_ignorable_count;
extern const int32_t k_lower[];  // in fours: first, count, step, distance to the lower case
extern const size_t k_lower_count;
}  // namespace tables

}  // namespace answers
