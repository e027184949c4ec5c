// Parsing and comparing mathematical answers.
// Values are doubles: |a - b| <= 1e-6 max(1, |b|) is equality, as published graders round.
#include "math_value.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <vector>

#include "text_normal.hpp"

namespace answers {
namespace {

constexpr double k_pi = 3.14159265358979323846;
constexpr int k_points = 8;

struct unreadable : std::runtime_error {
  unreadable() : std::runtime_error("not a number or formula") {}
};

void replace_all(std::string &text, std::string_view from, std::string_view to) {
  for (size_t place = text.find(from); place != std::string::npos;
       place = text.find(from, place + to.size()))
    text.replace(place, from.size(), to);
}

// \text{abc} -> abc
void unwrap(std::string &text, std::string_view command) {
  for (size_t place = text.find(command); place != std::string::npos;
       place = text.find(command, place)) {
    const size_t open = place + command.size() - 1;
    int depth = 0;
    size_t end = open;
    for (; end < text.size(); ++end) {
      depth += text[end] == '{' ? 1 : text[end] == '}' ? -1 : 0;
      if (depth == 0) break;
    }
    if (end == text.size()) return;
    text = text.substr(0, place) + text.substr(open + 1, end - open - 1) + text.substr(end + 1);
  }
}

// Value of a variable at one of the sampling points: fixed, irrational, away from 0 and 1.
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
      value = std::pow(value, sign * argument());
    }
    while (take("%") || take("\\%")) value /= 100.0;
    return value;
  }

  // What follows \frac, ^ or \sqrt: {...} or a single digit or letter.
  double argument() {
    if (peek() == '{') return atom();
    if (is_digit(at_)) return text_[at_++] - '0';
    return atom();
  }

  double group(char close) {
    ++at_;
    if (++depth_ > 50) throw unreadable();
    const double value = sum();
    if (peek() != close) throw unreadable();
    ++at_;
    --depth_;
    return value;
  }

  double atom() {
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
      if (!alone && text_.size() > 3) throw unreadable();  // a word, not a product of variables
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

  // 1234, 1,234, 12.5, .5, 3e8; followed by \frac it is a mixed number.
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

bool close(double a, double b, double tolerance) {
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  return std::fabs(a - b) <= tolerance * std::max(1.0, std::fabs(b));
}

// The parts of "(1,2]" with its brackets, if commas at depth 0 separate several parts.
struct collection {
  char open = 0, shut = 0;
  std::vector<std::string> parts;
};

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

std::optional<collection> as_collection(std::string text) {
  replace_all(text, "\\{", "{");
  replace_all(text, "\\}", "}");
  if (text.size() < 2) return std::nullopt;
  collection out;
  out.open = text.front();
  out.shut = text.back();
  const bool bracketed = std::string_view("([{").find(out.open) != std::string_view::npos &&
                         std::string_view(")]}").find(out.shut) != std::string_view::npos;
  if (!bracketed) return std::nullopt;
  out.parts = split_commas(std::string_view(text).substr(1, text.size() - 2));
  // "{1,2}" is a set; "{x+1}" and "(x+1)" are mere grouping.
  if (out.parts.size() < 2) return std::nullopt;
  return out;
}

struct scalar_verdict {
  bool equal = false, sampled = false, left_parsed = false, right_parsed = false;
};

scalar_verdict compare_scalars(const std::string &left, const std::string &right) {
  scalar_verdict out;
  int agree = 0;
  int defined = 0;
  for (int point = 0; point < k_points; ++point) {
    double values[2] = {0.0, 0.0};
    bool variables = false;
    for (int side = 0; side < 2; ++side) {
      formula one(side == 0 ? left : right, point);
      bool &parsed = side == 0 ? out.left_parsed : out.right_parsed;
      try {
        values[side] = one.whole();
        parsed = true;
      } catch (const std::exception &) {
        parsed = false;
      }
      variables = variables || one.has_variables();
    }
    if (!out.left_parsed || !out.right_parsed) return out;
    out.sampled = variables;
    if (!variables) {
      out.equal = close(values[0], values[1], 1e-6);
      return out;
    }
    if (!std::isfinite(values[1])) continue;  // outside the domain of the gold expression
    ++defined;
    agree += close(values[0], values[1], 1e-9) ? 1 : 0;
  }
  out.equal = defined >= k_points / 2 && agree == defined;
  return out;
}

math_verdict compare(const std::string &left, const std::string &right);

math_verdict compare_collections(const collection &left, const collection &right) {
  math_verdict out{false, math_tier::none, true, true};
  const bool set = left.open == '{' && right.open == '{';
  if (left.parts.size() != right.parts.size()) return out;
  if (!set && (left.open != right.open || left.shut != right.shut)) return out;
  std::vector<bool> used(right.parts.size(), false);
  math_tier weakest = math_tier::text;
  for (size_t i = 0; i < left.parts.size(); ++i) {
    bool found = false;
    for (size_t j = set ? 0 : i; j < (set ? right.parts.size() : i + 1) && !found; ++j) {
      if (used[j]) continue;
      const math_verdict part = compare(left.parts[i], right.parts[j]);
      if (!part.equal) continue;
      used[j] = found = true;
      weakest = std::max(weakest, part.tier);
    }
    if (!found) return out;
  }
  return {true, std::max(weakest, math_tier::value), true, true};
}

math_verdict compare(const std::string &left, const std::string &right) {
  math_verdict out;
  const auto many_left = as_collection(left);
  const auto many_right = as_collection(right);
  if (left == right && !left.empty()) return {true, math_tier::text, true, true};
  if (many_left && many_right) return compare_collections(*many_left, *many_right);
  const scalar_verdict scalars = compare_scalars(left, right);
  out.prediction_parsed = scalars.left_parsed || many_left.has_value();
  out.gold_parsed = scalars.right_parsed || many_right.has_value();
  out.equal = scalars.equal;
  if (out.equal) out.tier = scalars.sampled ? math_tier::sampled : math_tier::value;
  return out;
}

bool ends_with_percent(const std::string &text) {
  return !text.empty() && text.back() == '%';
}

}  // namespace

const char *name_of(math_tier tier) {
  constexpr const char *k_names[] = {"none", "text", "value", "sampled"};
  return k_names[static_cast<int>(tier)];
}

std::string normalise_math(std::string_view given) {
  std::string text = trimmed(given);
  for (const char *command : {"\\text{", "\\textbf{", "\\mathrm{", "\\mbox{", "\\overline{"})
    unwrap(text, command);
  for (const char *dropped : {"\\$", "$", "\\left", "\\right", "\\!", "\\,", "\\;", "\\ ",
                              "^\\circ", "^{\\circ}", "\\circ", "\xC2\xB0", "~"})
    replace_all(text, dropped, "");
  replace_all(text, "{,}", ",");
  replace_all(text, "\\dfrac", "\\frac");
  replace_all(text, "\\tfrac", "\\frac");
  replace_all(text, "\\%", "%");
  replace_all(text, "\xE2\x88\x92", "-");
  // "1 1/2" is a mixed number; other spaces mean nothing.
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t') {
      out += text[i];
      continue;
    }
    const bool digits = i > 0 && i + 1 < text.size() &&
                        std::isdigit(static_cast<unsigned char>(text[i - 1])) &&
                        std::isdigit(static_cast<unsigned char>(text[i + 1]));
    if (digits && text.find('/', i) != std::string::npos) out += '+';
  }
  while (!out.empty() && (out.back() == '.' || out.back() == '\\')) out.pop_back();
  return out;
}

math_verdict grade_math(std::string_view prediction, std::string_view gold) {
  const std::string left = normalise_math(prediction);
  const std::string right = normalise_math(gold);
  math_verdict verdict = compare(left, right);
  // A gold that is a bare number also accepts the prediction's number of percent: 50 for "50%".
  if (!verdict.equal && ends_with_percent(left) && !ends_with_percent(right)) {
    const math_verdict bare = compare(left.substr(0, left.size() - 1), right);
    if (bare.equal) verdict = bare;
  }
  return verdict;
}

}  // namespace answers
