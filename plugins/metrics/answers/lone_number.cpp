// Decides whether an answer means just the one number that it holds. Words, units, currency and markup around the number
// are harmless. Everything else, such as an operator, a variable, a function or a base, may change the value: then the
// answer has no lone number.
#include <algorithm>

#include "number_reader.hpp"
#include "written_number.hpp"

namespace answers {
namespace {

using view = std::u32string_view;

constexpr char32_t k_first_ideographs = 0x2E80;

// Harmless characters: spaces, markup, quotes, currency, degree signs and the punctuation of sentences.
constexpr view k_harmless =
    U" \t\r\n\u2009#`\"'\u2018\u2019\u201C\u201D\u201E\u00AB\u00BB$"
    U"\u20AC\u00A3\u00A5\u20B9\u20BD\u20A9\u20BA"
    U"\u20AA\u0E3F\u00A2.,:;?()[]{}\u00B0\u2026\u2014\u3002\u3001\uFF1A*_";

// LaTeX commands around text, commands without content, and functions, which change the value.
constexpr view k_text_commands[] = {U"text",   U"textbf", U"textit",       U"textrm", U"mathrm",
                                    U"mathbf", U"mathit", U"operatorname", U"mbox",   U"boxed",
                                    U"fbox",   U"emph",   U"underline",    U"bf",     U"rm"};
constexpr view k_empty_commands[] = {U"circ",         U"degree", U"quad",  U"qquad",
                                     U"displaystyle", U"euro",   U"pounds"};
constexpr view k_functions[] = {U"sin", U"cos", U"tan", U"cot", U"sec",  U"csc",
                                U"log", U"ln",  U"exp", U"lim", U"max",  U"min",
                                U"mod", U"gcd", U"lcm", U"det", U"sqrt", U"pi"};
// The two-letter units that may follow a number without a space ("72km"). Any other two letters may be two variables.
constexpr view k_short_units[] = {U"st", U"nd", U"rd", U"th", U"km", U"cm", U"mm", U"nm", U"kg",
                                  U"mg", U"lb", U"oz", U"ft", U"in", U"yd", U"mi", U"ml", U"mL",
                                  U"cl", U"dl", U"hr", U"ms", U"kW", U"kB", U"MB", U"GB", U"TB",
                                  U"Hz", U"kJ", U"am", U"pm", U"AM", U"PM", U"ha"};

template <size_t n>
bool is_one_of(const view (&words)[n], view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// Reads the text before and after the number, which is text[first, end).
class surroundings {
 public:
  surroundings(view text, size_t first, size_t end) : text_(text), first_(first), end_(end) {}

  bool harmless() {
    while (at_ < text_.size()) {
      if (at_ == first_)
        at_ = end_;
      else if (!step())
        return false;
    }
    return true;
  }
  int words_before() const { return words_before_; }
  int words_behind() const { return words_behind_; }

 private:
  char32_t at(size_t place) const { return place < text_.size() ? text_[place] : 0; }
  char32_t before() const { return at_ > 0 ? text_[at_ - 1] : 0; }

  // Reads one item of the surroundings and moves on. Returns false if it may change the value.
  bool step() {
    const char32_t c = text_[at_];
    if (is_letter(c)) return word();
    if (c == '\\') return command();
    if (c == '^') return exponent();
    if (!allowed(c)) return false;
    ++at_;
    return true;
  }

  bool allowed(char32_t c) const {
    const char32_t next = at(at_ + 1);
    if (c == '_' && (next == '{' || is_ascii_digit(next))) return false;  // a base, an index
    if (c == '(' && is_letter(before())) return false;                    // f(72)
    if (contains(k_harmless, c)) return true;
    if (c == '+') return at_ + 1 == first_ && !is_python_word(before());
    if (c == '!') return at_ != end_;                  // "72!" may be a factorial
    if (c == '-') return is_letter(next) || at_ == 0;  // "72-year-old", or the mark of a list
    return c == '/' && is_letter(next) && (at_ == end_ || is_letter(before()) || before() == '}');
  }

  bool word() {
    const size_t start = at_;
    while (is_letter(at(at_)) && at_ != first_) ++at_;
    const view word = text_.substr(start, at_ - start);
    ++(start < first_ ? words_before_ : words_behind_);
    if (word.front() >= k_first_ideographs) return true;
    const bool per = start > 1 && text_[start - 1] == '/' && is_letter(text_[start - 2]);  // "km/h"
    if ((word.size() < 2 && !per) || is_one_of(k_functions, word)) return false;
    return start != end_ || word.size() > 2 || is_one_of(k_short_units, word);
  }

  bool command() {
    const size_t start = ++at_;
    while (is_letter(at(at_))) ++at_;
    const view name = text_.substr(start, at_ - start);
    if (name.empty()) return contains(U"()[]", at(at_++));  // \( and \[ open a formula
    if (!is_one_of(k_text_commands, name)) return is_one_of(k_empty_commands, name);
    const size_t close = text_.find(U'}', at_);
    const bool holds_number = at_ <= first_ && first_ < close;
    if (at(at_) != '{' || close == view::npos || holds_number) return true;
    return text_group(close);
  }

  // \text{...} beside the number: a unit or words, of any length.
  bool text_group(size_t close) {
    const view inside = text_.substr(at_ + 1, close - at_ - 1);
    ++(at_ < first_ ? words_before_ : words_behind_);
    at_ = close + 1;
    return std::all_of(inside.begin(), inside.end(), [](char32_t c) {
      return is_letter(c) || contains(k_harmless, c) || c == '/' || c == '-';
    });
  }

  // Accepts "^\circ" (degrees), and the exponent of a unit ("cm^2").
  bool exponent() {
    const bool unit = is_letter(before()) || before() == '}';
    const bool braces = at(at_ + 1) == '{';
    const size_t inside = at_ + (braces ? 2 : 1);
    size_t end = inside;
    if (text_.substr(inside, 5) == U"\\circ")
      end = inside + 5;
    else if (unit)
      while (is_ascii_digit(at(end)) || at(end) == '-') ++end;
    if (end == inside || (braces && at(end) != '}')) return false;
    at_ = end + (braces ? 1 : 0);
    return true;
  }

  view text_;
  size_t first_, end_;
  size_t at_ = 0;
  int words_before_ = 0, words_behind_ = 0;
};

// Returns what is to the right of the last = or ≈, or all of the text if it has neither. Returns nothing if the text
// says several things ("x = 1, y = 2"), or if the = is part of !=, <=, >= or :=.
view right_side(view text) {
  const size_t sign = text.find_last_of(U"=\u2248");
  if (sign == view::npos) return text;
  const view left = text.substr(0, sign);
  const bool relation = !left.empty() && contains(U"!<>:", left.back());
  const bool several = left.find_first_of(U",;\n") != view::npos ||
                       left.find(U" or ") != view::npos || left.find(U" and ") != view::npos;
  return relation || several ? view() : text.substr(sign + 1);
}

}  // namespace

std::optional<lone_number> lone_number_of(std::string_view utf8) {
  const std::u32string plain = plain_number_text(utf8);
  const view right = right_side(plain);
  std::vector<written_number> found = numbers_of(right);
  if (found.size() != 1) return std::nullopt;
  surroundings around(right, found[0].first, found[0].end);
  if (!around.harmless()) return std::nullopt;
  return lone_number{std::move(found[0]), around.words_before(), around.words_behind()};
}

}  // namespace answers
