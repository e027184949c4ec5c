// Finds the numbers of a text with a scanner, because std::regex is slow and recursive on long texts and knows no Unicode.
// Two rules decide what a dash means:
// - After a word, a number or a closing bracket it is no sign: the last number of "10-12" is 12, not -12.
// - "- 5" with a space is negative only after = ≈ ( [ { : or at the start of a text that has no other word or number.
#include "written_number.hpp"

#include <algorithm>

#include "number_reader.hpp"

namespace answers {
namespace {

using view = std::u32string_view;

constexpr view k_currency =
    U"$\u20AC\u00A3\u00A5\u20B9\u20BD\u20A9\u20BA\u20AA\u0E3F\u00A2\uFFE5\uFFE1";
constexpr view k_currency_codes[] = {U"USD", U"EUR", U"GBP", U"INR", U"CAD", U"AUD", U"JPY",
                                     U"CNY", U"RMB", U"CHF", U"Rs",  U"US",  U"CA",  U"AU"};

constexpr char32_t k_first_ideographs =
    0x2E80;  // Chinese, Japanese and others put no space before a number

class number_scanner : public number_reader {
 public:
  number_scanner(view text, bool also_in_names)
      : number_reader(text), also_in_names_(also_in_names) {}

  std::vector<written_number> all() {
    std::vector<written_number> found;
    while (at_ < text_.size()) {
      const size_t start = at_;
      written_number one;
      if (!begins(start) || !read(one)) {
        at_ = start + 1;
        continue;
      }
      if (in_a_name(start) && !also_in_names_) continue;
      one.first = start;
      one.end = at_;
      take_sign(one);
      found.push_back(std::move(one));
    }
    return found;
  }

 private:
  // Whether the digits from `start` on belong to the exponent of a unit ("cm^2"), an index ("x_1") or a name ("CO2").
  bool in_a_name(size_t start) const {
    size_t mark = start - (before(start) == '-' ? 1 : 0);
    mark -= before(mark) == '{' ? 1 : 0;
    if (before(mark) == '^') return true;
    if (before(mark) == '_') return before(mark - 1) != '_' && is_python_word(before(mark - 1));
    size_t word = start;
    while (is_letter(before(word)) && before(word) < k_first_ideographs) --word;
    const view letters = text_.substr(word, start - word);
    if (letters.empty() || before(word) == '\\') return false;
    const bool times = letters == U"x" && is_ascii_digit(before(word));
    return !times && std::find(std::begin(k_currency_codes), std::end(k_currency_codes), letters) ==
                         std::end(k_currency_codes);
  }

  // The place of a currency sign before `start`, or `start` if there is none.
  size_t before_currency(size_t start) const {
    const size_t place = before_blanks(start);
    return contains(k_currency, before(place)) ? place - 1 : start;
  }

  // If a minus sign is before the number ("-$5"), makes the number negative.
  void take_sign(written_number &one) const {
    const size_t place = before_currency(one.first), left = before_blanks(place);
    if (before(left) != '-') return;
    const size_t dash = left - 1;
    if (!(left == place ? is_sign(dash) : is_distant_sign(dash, one.end))) return;
    one.first = dash;
    one.formula.insert(0, "-");
    if (!one.bare.empty()) one.bare.insert(0, "-");
  }

  // is_sign: whether a dash directly before a number is its minus sign. is_distant_sign: the same, if spaces
  // are between them.
  bool is_sign(size_t dash) const {
    const char32_t left = before(dash), further = before(before_blanks(dash));
    return left != '-' && !is_python_word(left) && !is_ascii_digit(further) &&
           !contains(U")]}%", further);
  }

  bool is_distant_sign(size_t dash, size_t number_end) const {
    const size_t left = before_blanks(dash);
    const view rest = text_.substr(number_end);
    return contains(U"=\u2248([{:", before(left)) ||
           (left == 0 && std::none_of(rest.begin(), rest.end(), is_python_word));
  }

  bool also_in_names_;
};

}  // namespace

std::vector<written_number> numbers_of(std::u32string_view plain, bool also_in_names) {
  return number_scanner(plain, also_in_names).all();
}

std::optional<std::string> last_number(std::string_view utf8) {
  const std::u32string plain = plain_number_text(utf8);
  auto found = numbers_of(plain);
  if (found.empty()) found = numbers_of(plain, true);
  if (found.empty()) return std::nullopt;
  const written_number &last = found.back();
  return encoded(view(plain).substr(last.first, last.end - last.first));
}

}  // namespace answers
