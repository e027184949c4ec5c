// Finds answers in generated texts. The published patterns are written as loops here, because std::regex is slow and uses
// recursion on long texts.
#include "extract.hpp"

#include "text_normal.hpp"
#include "written_number.hpp"

namespace answers {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Returns the end of the run of digits and `allowed` characters that begins at `start`.
size_t run_of(std::string_view text, size_t start, std::string_view allowed) {
  size_t end = start;
  while (end < text.size() &&
         (is_digit(text[end]) || allowed.find(text[end]) != std::string_view::npos))
    ++end;
  return end;
}

// The next two functions find exactly what the patterns of lm-evaluation-harness find (tasks/gsm8k/gsm8k.yaml,
// filter_list), because a result that has the name of a published one must equal it. last_number finds what a
// person would read.

// strict-match: the first match of #### (\-?[0-9\.\,]+)
std::optional<std::string> gsm8k_strict(std::string_view text) {
  for (size_t mark = text.find("#### "); mark != std::string_view::npos;
       mark = text.find("#### ", mark + 1)) {
    const size_t start = mark + 5;
    const size_t number = start + (start < text.size() && text[start] == '-' ? 1 : 0);
    const size_t end = run_of(text, number, ".,");
    if (end > number) return std::string(text.substr(start, end - start));
  }
  return std::nullopt;
}

// flexible-extract: the last match of (-?[$0-9.,]{2,})|(-?[0-9]+)
std::optional<std::string> gsm8k_flexible(std::string_view text) {
  std::optional<std::string> last;
  for (size_t place = 0; place < text.size();) {
    const size_t number = place + (text[place] == '-' ? 1 : 0);
    size_t end = run_of(text, number, "$.,");
    if (end < number + 2) end = run_of(text, number, "");
    if (end == number) {
      ++place;
      continue;
    }
    last = std::string(text.substr(place, end - place));
    place = end;
  }
  return last;
}

// Returns the first capital letter from A to J with no ASCII letter, digit or _ on either side and no apostrophe after it.
std::optional<std::string> letter(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 'A' || text[i] > 'J') continue;
    const bool starts = i == 0 || !is_word(text[i - 1]);
    const bool ends = i + 1 == text.size() || (!is_word(text[i + 1]) && text[i + 1] != '\'');
    if (starts && ends) return std::string(1, text[i]);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> last_boxed(std::string_view text) {
  size_t mark = text.rfind("\\boxed");
  // If the last box is inside another one, the outer box is the answer. The last box is inside if the brace of the
  // outer one is still open where the last one begins.
  for (size_t outer = 0; (outer = text.find("\\boxed", outer)) != std::string_view::npos;
       outer += 6) {
    if (mark == std::string_view::npos || outer >= mark) break;
    int depth = 0;
    for (size_t i = outer + 6; i < mark; ++i) depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    bool closed = false;
    int open = 0;
    for (size_t i = outer + 6; i < mark && !closed; ++i) {
      open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      closed = open == 0 && text[i] == '}';
    }
    if (depth > 0 && !closed) {
      mark = outer;
      break;
    }
  }
  size_t length = 6;
  if (mark == std::string_view::npos) {
    mark = text.rfind("\\fbox");
    length = 5;
  }
  if (mark == std::string_view::npos) return std::nullopt;
  size_t start = mark + length;
  if (start < text.size() && text[start] == ' ') {  // "\boxed 5$"
    const size_t end = text.find('$', start);
    return trimmed(text.substr(start, end == std::string_view::npos ? end : end - start));
  }
  if (start >= text.size() || text[start] != '{') return std::nullopt;
  int depth = 0;
  for (size_t i = start; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0) return std::string(text.substr(start + 1, i - start - 1));
  }
  return std::nullopt;  // a brace is never closed
}

std::optional<std::string> extract_answer(std::string_view text, std::string_view rule) {
  if (rule == "gsm8k_strict") return gsm8k_strict(text);
  if (rule == "gsm8k_flexible") return gsm8k_flexible(text);
  if (rule == "last_number") return last_number(text);
  if (rule == "boxed") return last_boxed(text);
  if (rule == "letter") return letter(text);
  if (rule == "boxed_or_last_number") {
    auto boxed = last_boxed(text);
    return boxed ? boxed : last_number(text);
  }
  std::string whole = trimmed(text);
  return whole.empty() ? std::nullopt : std::optional(std::move(whole));
}

}  // namespace answers
