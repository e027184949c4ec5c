// Computes the value of a formula with a recursive-descent parser. A text that it cannot read is "not a formula".
#include "math_formula.hpp"

#include <cctype>
#include <cmath>
#include <stdexcept>
#include <string>

namespace answers {
namespace {

constexpr int k_deepest = 100;  // levels of groups, signs and fractions
constexpr double k_pi = 3.14159265358979323846;

struct unreadable : std::runtime_error {
  unreadable() : std::runtime_error("not a number or formula") {}
};

// Returns the value of a variable at one of the points. It is the same in every run, lies between 0.3 and 2.7, and is no round
// number, so that different formulas do not agree by accident.
double sample_value(char variable, int point) {
  const double raw = std::sin(12.9898 * (variable - 'A' + 1) + 78.233 * (point + 1)) * 43758.5453;
  return 0.3 + 2.4 * (raw - std::floor(raw));
}

class formula {
 public:
  formula(std::string_view text, int point) : text_(text), point_(point) {}

  double whole() {
    if (text_.empty()) throw unreadable();
    const double value = sum();
    if (at_ != text_.size()) throw unreadable();
    return value;
  }
  bool has_variables() const { return variables_; }

 private:
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool is_digit(size_t place) const {
    return place < text_.size() && text_[place] >= '0' && text_[place] <= '9';
  }

  double sum() {
    double value = peek() == '-' || peek() == '+' ? 0.0 : product();
    while (peek() == '+' || peek() == '-') {
      const double sign = text_[at_++] == '+' ? 1.0 : -1.0;
      value += sign * product();
    }
    return value;
  }

  double product() {
    double value = power();
    for (;;) {
      if (take("/") || take("\\div"))
        value /= power();
      else if (take("*") || take("\\cdot") || take("\\times") || starts_factor())
        value *= power();
      else
        return value;
    }
  }
  bool starts_factor() const {
    const char c = peek();
    return c == '(' || c == '{' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           text_.substr(at_, 5) == "\\frac" || text_.substr(at_, 5) == "\\sqrt" ||
           text_.substr(at_, 3) == "\\pi";
  }

  double power() {
    double value = atom();
    while (take("^")) {
      const double sign = take("-") ? -1.0 : 1.0;
      value = std::pow(value, sign * exponent());
    }
    while (take("%") || take("\\%")) value /= 100.0;
    return value;
  }

  // Reads what follows ^: {...}, a single letter, or digits. Several digits are one number, as in plain text.
  double exponent() { return is_digit(at_) ? number() : argument(); }

  // Reads what follows \frac or \sqrt: {...} or, as in LaTeX, a single digit or letter.
  double argument() {
    if (peek() == '{') return atom();
    if (is_digit(at_)) return text_[at_++] - '0';
    return atom();
  }

  double group(char close) {
    ++at_;
    const double value = sum();
    if (peek() != close) throw unreadable();
    ++at_;
    return value;
  }

  // Every way to go one level deeper leads here: groups, minus signs, \frac, \sqrt, mixed numbers. The
  // depth is limited, because an answer of a broken model can have thousands of levels.
  double atom() {
    if (++depth_ > k_deepest) throw unreadable();
    const double value = plain_atom();
    --depth_;
    return value;
  }

  double plain_atom() {
    if (take("-")) return -atom();
    if (peek() == '(') return group(')');
    if (peek() == '{') return group('}');
    if (is_digit(at_) || (peek() == '.' && is_digit(at_ + 1))) return number();
    if (take("\\frac")) {
      const double top = argument();
      return top / argument();
    }
    if (take("\\sqrt")) return root();
    if (take("\\pi") || take("\xCF\x80")) return k_pi;
    const char c = peek();
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      const bool alone =
          !((at_ + 1 < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_ + 1]))));
      if (!alone && text_.size() > 3) throw unreadable();  // a word, not a product
      variables_ = true;
      ++at_;
      return sample_value(c, point_);
    }
    throw unreadable();
  }

  double root() {
    double degree = 2.0;
    if (peek() == '[') degree = group(']');
    return std::pow(argument(), 1.0 / degree);
  }

  // Reads 1234, 1,234, 12.5, .5 or 3e8. An integer before \frac is a mixed number: 2\frac{1}{2} is 2.5.
  double number() {
    std::string digits;
    while (is_digit(at_) || thousands_comma()) {
      if (text_[at_] != ',') digits += text_[at_];
      ++at_;
    }
    if (peek() == '.') {
      digits += text_[at_++];
      while (is_digit(at_)) digits += text_[at_++];
    }
    if ((peek() == 'e' || peek() == 'E') &&
        (is_digit(at_ + 1) ||
         (is_digit(at_ + 2) && (text_[at_ + 1] == '-' || text_[at_ + 1] == '+')))) {
      digits += text_[at_++];
      do digits += text_[at_++];
      while (is_digit(at_));
    }
    const double value = std::stod(digits);
    if (text_.substr(at_, 6) == "\\frac{" && digits.find('.') == std::string::npos)
      return value + atom();
    return value;
  }
  bool thousands_comma() const {
    return peek() == ',' && is_digit(at_ + 1) && is_digit(at_ + 2) && is_digit(at_ + 3) &&
           !is_digit(at_ + 4);
  }

  std::string_view text_;
  size_t at_ = 0;
  int point_;
  int depth_ = 0;
  bool variables_ = false;
};

}  // namespace

std::optional<evaluated> formula_value(std::string_view text, int point) {
  formula one(text, point);
  try {
    const double value = one.whole();
    return evaluated{value, one.has_variables()};
  } catch (const std::exception &) {
    return std::nullopt;
  }
}

}  // namespace answers
