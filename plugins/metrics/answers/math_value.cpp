// Reads and compares mathematical answers. Two values a and b (doubles) without variables are equal if |a - b| <= 1e-6
// max(1, |b|), because published graders accept such differences. Formulas with variables are compared at points, with
// 1e-9 in place of 1e-6.
#include "math_value.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "math_formula.hpp"
#include "text_normal.hpp"
#include "written_number.hpp"

namespace answers {
namespace {

constexpr int k_points = 8;  // formulas with variables are compared at these points

void replace_all(std::string &text, std::string_view from, std::string_view to) {
  for (size_t place = text.find(from); place != std::string::npos;
       place = text.find(from, place + to.size()))
    text.replace(place, from.size(), to);
}

// Replaces \text{abc} by abc. command: "\text{".
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

bool close(double a, double b, double tolerance) {
  if (!std::isfinite(a) || !std::isfinite(b)) return false;
  return std::fabs(a - b) <= tolerance * std::max(1.0, std::fabs(b));
}

// A tuple, interval or set such as "(1,2]": its brackets and its parts, of which there are at least two.
struct collection {
  char open = 0, shut = 0;
  std::vector<std::string> parts;
};

// Splits at the commas that are in no inner bracket.
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
  // "{1,2}" is a set, but "{x+1}" and "(x+1)" only group.
  if (out.parts.size() < 2) return std::nullopt;
  return out;
}

// `sampled` is true if at least one of the two texts has variables, so that they were compared at points.
struct scalar_verdict {
  bool equal = false, sampled = false, left_parsed = false, right_parsed = false;
};

// Formulas without variables are compared at the first point only. Formulas with variables are equal if their values
// agree at every point where the right value is finite, and if at least half of all points are such points.
scalar_verdict compare_scalars(const std::string &left, const std::string &right) {
  scalar_verdict out;
  int agree = 0;
  int defined = 0;
  for (int point = 0; point < k_points; ++point) {
    double values[2] = {0.0, 0.0};
    bool variables = false;
    for (int side = 0; side < 2; ++side) {
      const auto found = formula_value(side == 0 ? left : right, point);
      (side == 0 ? out.left_parsed : out.right_parsed) = found.has_value();
      values[side] = found ? found->value : 0.0;
      variables = variables || (found && found->has_variables);
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

bool is_number(const std::string &text) {
  const auto found = formula_value(text, 0);
  return found && std::isfinite(found->value) && !found->has_variables;
}

bool same_value(const std::string &left, const std::string &right) {
  return !left.empty() && !right.empty() && compare_scalars(left, right).equal;
}

// Compares the lone numbers of both answers. If one answer has a per cent sign or a scale word ("million"), its digits alone
// may match too, because the question may have asked for percent or millions. If both have words or units, nothing is compared.
math_verdict compare_numbers(math_verdict verdict, std::string_view prediction,
                             std::string_view gold, const std::string &gold_formula) {
  const auto own = lone_number_of(prediction);
  auto wanted = lone_number_of(gold);
  if (wanted && (wanted->words_before > 0 || wanted->words_behind > 2))
    wanted.reset();  // it is a sentence
  const bool plain = is_number(gold_formula);
  verdict.prediction_parsed = verdict.prediction_parsed || own;
  verdict.gold_parsed = verdict.gold_parsed || wanted;
  if (!own || (!plain && !wanted)) return verdict;
  const bool own_words = own->words_before + own->words_behind > 0;
  if (wanted && wanted->words_behind > 0 && own_words) return verdict;
  const std::string right = wanted ? wanted->number.formula : gold_formula;
  const std::string bare = wanted ? wanted->number.bare : "";
  const written_number &left = own->number;
  if (!same_value(left.formula, right) && !same_value(left.bare, right) &&
      !same_value(left.formula, bare))
    return verdict;
  return {true, math_tier::value, true, true};
}

// Returns the end of a mixed number such as "1 1/2" whose integer ends before `space`, or npos if there is none. The
// fraction of a mixed number is below 1, so "1 000/2" is not one.
size_t mixed_end(const std::string &text, size_t space) {
  const size_t top = text.find_first_not_of(" \t\n", space);
  const size_t slash = text.find_first_not_of("0123456789", top);
  if (top == slash || slash >= text.size() || text[slash] != '/') return std::string::npos;
  const size_t end = std::min(text.find_first_not_of("0123456789", slash + 1), text.size());
  const std::string a = text.substr(top, slash - top), b = text.substr(slash + 1, end - slash - 1);
  const bool less = a.size() < b.size() || (a.size() == b.size() && a < b);
  return less ? end : std::string::npos;
}

// Removes white space. A mixed number "1 1/2" becomes "(1+1/2)".
std::string without_spaces(const std::string &text) {
  std::string out;
  size_t number = 0;  // where the digits at the end of `out` begin
  for (size_t i = 0; i < text.size(); ++i) {
    const bool space = text[i] == ' ' || text[i] == '\n' || text[i] == '\t';
    if (!space) out += text[i];
    if (!space && !std::isdigit(static_cast<unsigned char>(text[i]))) number = out.size();
    if (!space || number == out.size()) continue;
    const size_t end = mixed_end(text, i);
    if (end == std::string::npos) continue;
    const std::string rest = text.substr(i, end - i);
    out.insert(number, "(");
    out += "+" + rest.substr(rest.find_first_not_of(" \t\n")) + ")";
    number = out.size();
    i = end - 1;
  }
  return out;
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
  std::string out = without_spaces(text);
  while (!out.empty() && (out.back() == '.' || out.back() == '\\')) out.pop_back();
  return out;
}

math_verdict grade_math(std::string_view prediction, std::string_view gold) {
  const std::string left = normalise_math(prediction), right = normalise_math(gold);
  const math_verdict verdict = compare(left, right);
  const bool lists = as_collection(left) || as_collection(right);  // "(1,2)" is not 1.2 in brackets
  return verdict.equal || lists ? verdict : compare_numbers(verdict, prediction, gold, right);
}

}  // namespace answers
