// Reads one written number without its sign and currency: separators, fractions, powers, per cent, and scale words
// such as "million".
// written_number.cpp finds where numbers begin, and reads the sign and currency before them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "python_text.hpp"
#include "written_number.hpp"

namespace answers {

inline bool is_ascii_digit(char32_t c) {
  return c >= '0' && c <= '9';
}
inline bool is_letter(char32_t c) {
  return is_python_word(c) && !is_ascii_digit(c) && c != '_';
}
inline bool contains(std::u32string_view all, char32_t c) {
  return c != 0 && all.find(c) != std::u32string_view::npos;
}

// The text must come from plain_number_text.
class number_reader {
 public:
  explicit number_reader(std::u32string_view text) : text_(text) {}

 protected:
  // Whether a number may begin at `place`.
  bool begins(size_t place) const;
  // Reads the number that begins at at_, sets out.formula (and out.bare, if per cent or a scale word
  // follows), and moves at_ behind it. Returns false if there is none.
  bool read(written_number &out);

  // The character at `place`, and the one before it; 0 outside the text.
  char32_t at(size_t place) const { return place < text_.size() ? text_[place] : 0; }
  char32_t before(size_t place) const {
    return place > 0 && place <= text_.size() ? text_[place - 1] : 0;
  }
  bool says(size_t place, std::u32string_view word) const {
    return text_.substr(std::min(place, text_.size()), word.size()) == word;
  }
  size_t after_blanks(size_t place) const;
  size_t before_blanks(size_t place) const;
  size_t digits_end(size_t place) const;
  std::string digits(size_t first, size_t end) const;

  std::u32string_view text_;
  size_t at_ = 0;

 private:
  // Reads digits with separators, decimal point and exponent. Returns true if there were only digits.
  bool decimal(std::string &value);
  char32_t group_separator(size_t start, size_t first_end) const;
  size_t group_count(size_t place, char32_t separator) const;
  size_t groups_end(size_t place, char32_t separator) const;
  bool is_group(size_t separator, size_t size) const;
  char32_t decimal_sign(char32_t separator) const;
  bool in_a_list(size_t place) const;
  size_t exponent_end() const;

  bool fraction(size_t start, std::string &value);
  bool mixed(size_t start, std::string &value);
  bool part_of_one(size_t place, std::string &value);
  bool latex_fraction(std::string &value);
  bool power(std::string &value);
  std::string times_ten(const std::string &value);
  std::string exponent_at(size_t place, size_t &end) const;

  void percent_or_scale(written_number &out);
  size_t percent_end(size_t place) const;
  std::string scale_at(size_t place, size_t &end) const;
};

}  // namespace answers
