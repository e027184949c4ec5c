// Normalising answers.
// ASCII rules only, on purpose: the official scorer leaves Unicode punctuation alone.
#include "text_normal.hpp"

#include <algorithm>
#include <map>

namespace answers {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

}  // namespace

std::string trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char &c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  for (size_t start = 0; start < text.size();) {
    size_t end = start;
    while (end < text.size() && !is_space(text[end])) ++end;
    if (end > start) out.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

std::string squad_normalise(std::string_view text) {
  std::string kept = lower_ascii(text);
  kept.erase(std::remove_if(kept.begin(), kept.end(), is_punctuation), kept.end());
  std::string out;
  for (const std::string &word : words_of(kept)) {
    if (word == "a" || word == "an" || word == "the") continue;
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

double token_f1(std::string_view prediction, std::string_view gold) {
  const auto own = words_of(prediction);
  const auto wanted = words_of(gold);
  if (own.empty() || wanted.empty()) return own.empty() && wanted.empty() ? 1.0 : 0.0;
  std::map<std::string, int> left;
  for (const auto &word : wanted) ++left[word];
  int common = 0;
  for (const auto &word : own) common += left[word]-- > 0 ? 1 : 0;
  return 2.0 * common / static_cast<double>(own.size() + wanted.size());
}

std::string harness_clean(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ',' && c != '$') out += c;
  if (const size_t mark = out.rfind("#### "); mark != std::string::npos) out.erase(0, mark + 5);
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

size_t count_characters(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace answers
