// Normalises answers as the official scripts do, over code points like Python's str.
#include "text_normal.hpp"

#include <algorithm>
#include <map>

#include "python_text.hpp"

namespace answers {
namespace {

bool is_punctuation(char32_t c) {  // string.punctuation of Python: ASCII alone
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Does re.sub(r'\b(a|an|the)\b', ' ', text). A word is a run of word characters, so "the" in "the\u2019s" is removed too.
std::u32string without_articles(std::u32string_view text) {
  std::u32string out;
  for (size_t start = 0; start < text.size();) {
    size_t end = start;
    while (end < text.size() && is_python_word(text[end])) ++end;
    const std::u32string_view word = text.substr(start, end - start);
    if (word == U"a" || word == U"an" || word == U"the")
      out += U' ';
    else
      out += word;
    if (end < text.size()) out += text[end];
    start = end + 1;
  }
  return out;
}

}  // namespace

std::string trimmed(std::string_view text) {
  const std::u32string whole = decoded(text);
  const auto solid = [](char32_t c) { return !is_python_space(c); };
  const auto first = std::find_if(whole.begin(), whole.end(), solid);
  const auto last = std::find_if(whole.rbegin(), whole.rend(), solid).base();
  return first < last ? encoded(std::u32string(first, last)) : "";
}

std::string lower_case(std::string_view text) {
  return encoded(python_lower(decoded(text)));
}

std::vector<std::string> words_of(std::string_view text) {
  const std::u32string whole = decoded(text);
  std::vector<std::string> out;
  for (size_t start = 0; start < whole.size();) {
    size_t end = start;
    while (end < whole.size() && !is_python_space(whole[end])) ++end;
    if (end > start) out.push_back(encoded(std::u32string_view(whole).substr(start, end - start)));
    start = end + 1;
  }
  return out;
}

std::string squad_normalise(std::string_view text) {
  std::u32string kept = python_lower(decoded(text));
  kept.erase(std::remove_if(kept.begin(), kept.end(), is_punctuation), kept.end());
  std::string out;
  for (const std::string &word : words_of(encoded(without_articles(kept))))
    out += (out.empty() ? "" : " ") + word;
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
  // The pattern is "\.$". In Python "$" also matches before a line end at the very end of the text.
  const size_t end = out.size() - (!out.empty() && out.back() == '\n' ? 1 : 0);
  if (end > 0 && out[end - 1] == '.') out.erase(end - 1, 1);
  return lower_case(out);
}

size_t count_characters(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace answers
