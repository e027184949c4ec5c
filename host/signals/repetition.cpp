// Finds loops, repeated n-grams and repeated sentences in a generated text of up to a few thousand tokens.
// It copies every n-gram, which would be too slow for long documents.
#include "signals/repetition.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace assay::signals {
namespace {

// How many tokens at the end are looked at, and the length of the longest repeated piece. A piece of 64 tokens (a paragraph) fits
// four times into 256 tokens.
constexpr size_t k_window = 256;
constexpr size_t k_longest_period = 64;

// How often a piece of `period` tokens must occur in a row to count as a loop. A short piece repeats in ordinary text too ("no, no,
// no", a row of dashes), so it needs more repeats than a long piece.
size_t repeats_needed(size_t period) {
  return period == 1 ? 16 : period <= 8 ? 8 : 4;
}

std::vector<std::string_view> split(std::string_view text, std::string_view delimiters) {
  std::vector<std::string_view> parts;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find_first_of(delimiters, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string join(const std::vector<std::string_view> &words, size_t first, size_t n) {
  std::string out(words[first]);
  for (size_t i = 1; i < n; ++i) out.append(" ").append(words[first + i]);
  return out;
}

struct duplicates {
  double of_parts = 0.0;  // share of the parts that are equal to an earlier one
  double of_bytes = 0.0;  // bytes of those parts / bytes of the text
};

duplicates count_duplicates(const std::vector<std::string_view> &parts, size_t total_bytes) {
  std::unordered_set<std::string_view> seen;
  size_t repeated = 0;
  size_t repeated_bytes = 0;
  for (const auto part : parts) {
    if (seen.insert(part).second) continue;
    ++repeated;
    repeated_bytes += part.size();
  }
  if (parts.empty() || total_bytes == 0) return {};
  return {static_cast<double>(repeated) / static_cast<double>(parts.size()),
          static_cast<double>(repeated_bytes) / static_cast<double>(total_bytes)};
}

// The paragraphs of a text, which end at blank lines.
std::vector<std::string_view> paragraphs_of(std::string_view text) {
  std::vector<std::string_view> out;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find("\n\n", start), text.size());
    if (const auto paragraph = trimmed(text.substr(start, end - start)); !paragraph.empty())
      out.push_back(paragraph);
    start = end + 2;
  }
  return out;
}

// For each n-gram of words that occurs twice or more: the bytes of all its occurrences / bytes of the text. Returns the largest share,
// or 0 if no n-gram occurs twice.
double top_ngram_share(const std::vector<std::string_view> &words, size_t n, size_t total_bytes) {
  std::unordered_map<std::string, size_t> counts;
  double share = 0.0;
  for (size_t i = 0; i + n <= words.size(); ++i) {
    const std::string gram = join(words, i, n);
    const size_t count = ++counts[gram];
    if (count > 1)
      share = std::max(share,
                       static_cast<double>(count * gram.size()) / static_cast<double>(total_bytes));
  }
  return share;
}

// The bytes of those n-grams of words that occurred earlier in the text / bytes of the text.
double duplicate_ngram_share(const std::vector<std::string_view> &words, size_t n,
                             size_t total_bytes) {
  std::unordered_set<std::string> seen;
  size_t repeated = 0;
  for (size_t i = 0; i + n <= words.size();) {
    std::string gram = join(words, i, n);
    const size_t bytes = gram.size();
    if (seen.insert(std::move(gram)).second) {
      ++i;
    } else {
      repeated += bytes;
      i += n;  // so that no word counts twice
    }
  }
  return static_cast<double>(repeated) / static_cast<double>(total_bytes);
}

// The limits of Rae et al. 2021 (arXiv 2112.11446, table A1), who drop a document that exceeds one of them.
struct repetition_rule {
  const char *name;
  double limit;  // share of the text's lines, paragraphs or bytes
};
constexpr repetition_rule k_duplicate_lines = {"dup_line", 0.30};
constexpr repetition_rule k_duplicate_paragraphs = {"dup_paragraph", 0.30};
constexpr repetition_rule k_duplicate_line_bytes = {"dup_line_chars", 0.20};
constexpr repetition_rule k_duplicate_paragraph_bytes = {"dup_paragraph_chars", 0.20};
constexpr repetition_rule k_top_ngrams[] = {  // of 2 to 4 words
    {"top_2_gram", 0.20},
    {"top_3_gram", 0.18},
    {"top_4_gram", 0.16}};
constexpr repetition_rule k_duplicate_ngrams[] = {  // of 5 to 10 words
    {"dup_5_gram", 0.15}, {"dup_6_gram", 0.14}, {"dup_7_gram", 0.13},
    {"dup_8_gram", 0.12}, {"dup_9_gram", 0.11}, {"dup_10_gram", 0.10}};
// Texts of up to this many words are not checked, because there one repeated phrase is already a large share. The paper has no such limit.
constexpr size_t k_fewest_words = 100;

// Bytes of the shortest segment that counts. Shorter ones (names, "Yes") repeat in ordinary text.
constexpr size_t k_shortest_segment = 20;

}  // namespace

suffix_period find_suffix_period(std::span<const int32_t> tokens) {
  const size_t n = std::min(tokens.size(), k_window);
  const auto tail = tokens.last(n);
  for (size_t period = 1; period <= std::min(k_longest_period, n / 2); ++period) {
    size_t length = period;  // number of tokens at the end that repeat with this period
    while (length < n && tail[n - 1 - length] == tail[n - 1 - length + period]) ++length;
    const size_t repeats = length / period;
    if (repeats >= repeats_needed(period))
      return {static_cast<int64_t>(period), static_cast<int64_t>(repeats)};
  }
  return {};
}

double ngram_repetition(std::span<const int32_t> tokens, size_t n) {
  if (tokens.size() < n || n == 0) return 0.0;
  std::set<std::vector<int32_t>> distinct;
  const size_t total = tokens.size() - n + 1;
  for (size_t i = 0; i < total; ++i) {
    const auto gram = tokens.subspan(i, n);
    distinct.insert({gram.begin(), gram.end()});
  }
  return 1.0 - static_cast<double>(distinct.size()) / static_cast<double>(total);
}

token_shares count_tokens(std::span<const int32_t> tokens) {
  token_shares out;
  if (tokens.empty()) return out;
  // Ordered, so that of equally frequent tokens the smallest id wins
  std::map<int32_t, size_t> counts;
  for (const int32_t token : tokens) ++counts[token];
  const double n = static_cast<double>(tokens.size());
  for (const auto &[token, count] : counts) {
    const double share = static_cast<double>(count) / n;
    out.entropy -= share * std::log(share);
    if (share > out.top) {
      out.top = share;
      out.top_token = token;
    }
  }
  out.distinct = static_cast<double>(counts.size()) / n;
  return out;
}

std::vector<const char *> gopher_violations(std::string_view text) {
  const auto words = split(text, " \t\r\n");
  if (words.size() <= k_fewest_words) return {};
  std::vector<const char *> broken;
  const auto check = [&](double share, const repetition_rule &rule) {
    if (share > rule.limit) broken.push_back(rule.name);
  };
  const duplicates lines = count_duplicates(split(text, "\n"), text.size());
  const duplicates paragraphs = count_duplicates(paragraphs_of(text), text.size());
  check(lines.of_parts, k_duplicate_lines);
  check(paragraphs.of_parts, k_duplicate_paragraphs);
  check(lines.of_bytes, k_duplicate_line_bytes);
  check(paragraphs.of_bytes, k_duplicate_paragraph_bytes);
  for (size_t n = 2; n <= 4; ++n)
    check(top_ngram_share(words, n, text.size()), k_top_ngrams[n - 2]);
  for (size_t n = 5; n <= 10; ++n)
    check(duplicate_ngram_share(words, n, text.size()), k_duplicate_ngrams[n - 5]);
  return broken;
}

int64_t most_repeated_segment(std::string_view text) {
  std::unordered_map<std::string_view, int64_t> counts;
  int64_t most = 0;
  for (const auto part : split(text, "\n.!?:")) {
    const auto segment = trimmed(part);
    if (segment.size() >= k_shortest_segment) most = std::max(most, ++counts[segment]);
  }
  return most;
}

}  // namespace assay::signals
