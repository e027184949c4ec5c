// Reads a written number. If a text could be read in two ways, these rules decide:
// - "1,000" and "1 000" are thousands: one to three digits that do not begin with 0, then groups of three, or groups as
//   in India ("12,34,567"). Any other single comma is a decimal comma ("3,14"). Several commas, if they are not of
//   this kind, separate numbers ("3,4,5").
// - A single point is a decimal point ("1.000" is 1). Of two different separators the last is the decimal one ("1.000,50").
// - The parts of dates, times, versions, ratios and ranges are separate numbers.
#include "number_reader.hpp"

#include <algorithm>

namespace answers {
namespace {

constexpr char32_t k_thin_space = 0x2009;

// A word that multiplies the number before it. If `attached` is true, the word counts only if no space is before it.
struct scale {
  std::u32string_view word;
  const char *factor;
  bool attached;  // "72k"
};
constexpr scale k_scales[] = {{U"hundred", "*10^{2}", false},   {U"thousand", "*10^{3}", false},
                              {U"million", "*10^{6}", false},   {U"billion", "*10^{9}", false},
                              {U"trillion", "*10^{12}", false}, {U"dozen", "*12", false},
                              {U"k", "*10^{3}", true},          {U"K", "*10^{3}", true},
                              {U"M", "*10^{6}", true},          {U"B", "*10^{9}", true}};

// A fraction that is one character, such as ½.
struct vulgar_fraction {
  char32_t sign;
  const char *value;
};
constexpr vulgar_fraction k_vulgar[] = {
    {0xBC, "1/4"},    {0xBD, "1/2"},   {0xBE, "3/4"},   {0x2150, "1/7"}, {0x2151, "1/9"},
    {0x2152, "1/10"}, {0x2153, "1/3"}, {0x2154, "2/3"}, {0x2155, "1/5"}, {0x2156, "2/5"},
    {0x2157, "3/5"},  {0x2158, "4/5"}, {0x2159, "1/6"}, {0x215A, "5/6"}, {0x215B, "1/8"},
    {0x215C, "3/8"},  {0x215D, "5/8"}, {0x215E, "7/8"}};

const char *vulgar_value(char32_t sign) {
  for (const vulgar_fraction &one : k_vulgar)
    if (one.sign == sign) return one.value;
  return nullptr;
}

bool is_blank(char32_t c) {
  return c == ' ' || c == k_thin_space || c == '\t';
}

// Compares two integers without leading zeros, given as texts.
bool is_less(const std::string &a, const std::string &b) {
  return a.size() < b.size() || (a.size() == b.size() && a < b);
}

}  // namespace

size_t number_reader::after_blanks(size_t place) const {
  while (is_blank(at(place))) ++place;
  return place;
}

size_t number_reader::before_blanks(size_t place) const {
  while (is_blank(before(place))) --place;
  return place;
}

size_t number_reader::digits_end(size_t place) const {
  while (is_ascii_digit(at(place))) ++place;
  return place;
}

std::string number_reader::digits(size_t first, size_t end) const {
  std::string out;
  for (; first < end; ++first) out += static_cast<char>(text_[first]);
  return out;
}

bool number_reader::begins(size_t place) const {
  if (is_ascii_digit(at(place)) || vulgar_value(at(place)) != nullptr || says(place, U"\\frac"))
    return true;
  const char32_t left = before(place);
  return at(place) == '.' && is_ascii_digit(at(place + 1)) && left != '.' && left != ')' &&
         !is_python_word(left);
}

bool number_reader::read(written_number &out) {
  const size_t start = at_;
  if (!is_ascii_digit(at(start)) && at(start) != '.') {
    if (!part_of_one(start, out.formula)) return false;
  } else if (decimal(out.formula)) {
    if (!fraction(start, out.formula) && !mixed(start, out.formula) && !power(out.formula))
      out.formula = times_ten(out.formula);
  } else {
    out.formula = times_ten(out.formula);
  }
  percent_or_scale(out);
  return true;
}

// ---- digits with their separators ---------------------------------------------------------------

bool number_reader::decimal(std::string &value) {
  const size_t start = at_;
  at_ = digits_end(start);
  value = digits(start, at_);
  const char32_t separator = at_ > start ? group_separator(start, at_) : 0;
  if (separator != 0)
    for (const size_t end = groups_end(at_, separator); at_ < end; ++at_)
      if (text_[at_] != separator) value += static_cast<char>(text_[at_]);
  const char32_t point = decimal_sign(separator);
  if (point != 0) {
    const size_t end = digits_end(at_ + 1);
    value += "." + digits(at_ + 1, end);
    at_ = end;
  }
  const size_t exponent = exponent_end();
  const bool whole = separator == 0 && point == 0 && exponent == at_;
  value += digits(at_, exponent);
  at_ = exponent;
  return whole;
}

// Returns the character that separates thousands after the digits [start, first_end), or 0 if there is none.
char32_t number_reader::group_separator(size_t start, size_t first_end) const {
  const char32_t c = at(first_end);
  if (first_end - start > 3 || text_[start] == '0' || in_a_list(first_end)) return 0;
  const size_t n = group_count(first_end, c), end = groups_end(first_end, c);
  if (n == 0) return 0;
  if (c == '.') return n > 1 || (at(end) == ',' && is_ascii_digit(at(end + 1))) ? c : 0;
  // A space may also be between two numbers: "5 100-calorie meals", "1 100/200".
  if (c == ' ') return is_letter(at(end)) || at(end) == '-' || at(end) == '/' ? 0 : c;
  return contains(U",\u2009'\u2019_", c) ? c : 0;
}

bool number_reader::is_group(size_t separator, size_t size) const {
  return digits_end(separator + 1) == separator + 1 + size;
}

// Returns the number of groups "separator, three digits" from `place` on. With commas all groups but the last may have two
// digits, as in India. Returns 0 if a group has another length.
size_t number_reader::group_count(size_t place, char32_t separator) const {
  size_t n = 0, twos = 0;
  for (; at(place) == separator && is_ascii_digit(at(place + 1)); ++n) {
    const bool two = separator == ',' && is_group(place, 2) && at(place + 3) == ',';
    if (!two && !is_group(place, 3)) return 0;
    twos += two ? 1 : 0;
    place = digits_end(place + 1);
  }
  return twos > 0 && twos + 1 != n ? 0 : n;
}

size_t number_reader::groups_end(size_t place, char32_t separator) const {
  while (at(place) == separator && is_ascii_digit(at(place + 1))) place = digits_end(place + 1);
  return place;
}

// Returns the decimal point or comma at at_, or 0 if there is none. `separator` is what separates the thousands, or 0.
char32_t number_reader::decimal_sign(char32_t separator) const {
  const char32_t c = at(at_);
  if ((c != '.' && c != ',') || c == separator || !is_ascii_digit(at(at_ + 1))) return 0;
  if (c == ',' && separator == ',') return 0;
  const size_t end = digits_end(at_ + 1);
  const bool goes_on = at(end) == c && is_ascii_digit(at(end + 1));  // "31.12.2021", "3,4,5"
  return goes_on || in_a_list(at_) ? 0 : c;
}

// Whether the digits before the sign at `place` come after the same sign, as in "31.12.2021" at its second point.
bool number_reader::in_a_list(size_t place) const {
  const char32_t sign = at(place);
  if (sign != '.' && sign != ',') return false;
  size_t start = place;
  while (is_ascii_digit(before(start))) --start;
  return before(start) == sign && is_ascii_digit(before(start - 1));
}

// Returns the end of an exponent such as e-5 at at_, or at_ if there is none.
size_t number_reader::exponent_end() const {
  if (at(at_) != 'e' && at(at_) != 'E') return at_;
  const size_t first = at_ + (at(at_ + 1) == '-' || at(at_ + 1) == '+' ? 2 : 1);
  const size_t end = digits_end(first);
  return end == first || is_letter(at(end)) ? at_ : end;
}

// ---- fractions and powers --------------------------------------------------------------------------

// Reads "/ digits" after an integer, but not inside a date such as 3/4/2021. Returns false if it is not there.
bool number_reader::fraction(size_t start, std::string &value) {
  const size_t slash = after_blanks(at_);
  if (at(slash) != '/' || before(start) == '/') return false;
  const size_t bottom = after_blanks(slash + 1), end = digits_end(bottom);
  const bool goes_on = contains(U"/.,", at(end)) && is_ascii_digit(at(end + 1));
  if (end == bottom || goes_on) return false;
  value += "/" + digits(bottom, end);
  at_ = end;
  return true;
}

// Reads a fraction below 1 after an integer: "2 1/2", "2½", "2\frac{1}{2}". Returns false if there is none.
bool number_reader::mixed(size_t start, std::string &value) {
  const size_t here = at_, place = after_blanks(at_);
  std::string rest;
  bool found = before(start) != '/';
  if (found && is_ascii_digit(at(place))) {
    at_ = digits_end(place);
    rest = digits(place, at_);
    const std::string top = rest;
    found = place > here && fraction(place, rest) && is_less(top, rest.substr(top.size() + 1));
  } else {
    found = found && part_of_one(place, rest);
  }
  at_ = found ? at_ : here;
  if (found) value = "(" + value + "+" + rest + ")";
  return found;
}

// Reads a fraction that is one character (½) or LaTeX (\frac). Returns false if there is none.
bool number_reader::part_of_one(size_t place, std::string &value) {
  at_ = place;
  if (says(place, U"\\frac")) return latex_fraction(value);
  const char *known = vulgar_value(at(place));
  if (known == nullptr) return false;
  value = known;
  ++at_;
  return true;
}

// Reads \frac{1}{2} and \frac12. Returns false if the parts are not digits alone; their numbers are then found one by one.
bool number_reader::latex_fraction(std::string &value) {
  std::string parts[2];
  size_t place = at_ + 5;
  for (std::string &part : parts) {
    const bool braces = at(place) == '{';
    const size_t first = place + (braces ? 1 : 0), end = braces ? digits_end(first) : first + 1;
    if (!is_ascii_digit(at(first)) || (braces && at(end) != '}')) return false;
    part = digits(first, end);
    place = end + (braces ? 1 : 0);
  }
  value = parts[0] + "/" + parts[1];
  at_ = place;
  return true;
}

// Returns the exponent at `place` ("^3", "^12", "^{-3}") and sets `end` to its end. Returns "" if there is none.
std::string number_reader::exponent_at(size_t place, size_t &end) const {
  if (at(place) != '^') return "";
  const bool braces = at(place + 1) == '{';
  const size_t first = place + (braces ? 2 : 1), number = first + (at(first) == '-' ? 1 : 0);
  end = digits_end(number);
  if (end == number || (braces && at(end) != '}')) return "";
  std::string out = digits(first, end);
  end += braces ? 1 : 0;
  return out;
}

bool number_reader::power(std::string &value) {
  size_t end = 0;
  const std::string exponent = exponent_at(at_, end);
  if (exponent.empty()) return false;
  value += "^{" + exponent + "}";
  at_ = end;
  return true;
}

// Returns the formula of "1.5 × 10^6", where `value` is 1.5, or `value` if no power of ten follows.
std::string number_reader::times_ten(const std::string &value) {
  const size_t sign = after_blanks(at_), ten = after_blanks(sign + 1);
  if (!contains(U"\u00D7x*", at(sign)) || !says(ten, U"10")) return value;
  size_t end = 0;
  const std::string exponent = exponent_at(ten + 2, end);
  if (exponent.empty()) return value;
  at_ = end;
  return value + "*10^{" + exponent + "}";
}

// ---- per cent and scale words, which change the value -----------------------------------------------

void number_reader::percent_or_scale(written_number &out) {
  const size_t place = after_blanks(at_);
  const bool in_braces = says(place, U"\\text{");  // "1.2\text{ million}"
  const size_t word = in_braces ? after_blanks(place + 6) : place;
  size_t end = percent_end(word);
  const std::string factor = end != word ? "%" : scale_at(word, end);
  end = in_braces ? after_blanks(end) : end;
  if (factor.empty() || (in_braces && at(end) != '}')) return;
  end += in_braces ? 1 : 0;
  out.bare = out.formula;
  out.formula = "(" + out.formula + ")" + factor;
  at_ = end;
}

size_t number_reader::percent_end(size_t place) const {
  if (at(place) == '%') return place + 1;
  for (const std::u32string_view word : {U"percent", U"per cent"})
    if (says(place, word) && !is_letter(at(place + word.size()))) return place + word.size();
  return place;
}

std::string number_reader::scale_at(size_t place, size_t &end) const {
  for (const scale &one : k_scales) {
    if (!says(place, one.word) || (one.attached && place != at_)) continue;
    end = place + one.word.size();
    if (!one.attached && at(end) == 's') ++end;
    if (!is_python_word(at(end))) return one.factor;
  }
  return "";
}

}  // namespace answers
