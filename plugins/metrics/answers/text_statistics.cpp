// The metric text_statistics: length and repetition of generated texts. They show whether a
// quantized model writes in another way than the untouched one, not whether its answers are right.
// The detectors (scripts/assay/detectors) look for answers that repeat without end.
#include <map>
#include <vector>

#include "metric.hpp"

namespace answers {
namespace {

constexpr size_t k_gram = 4;

std::vector<std::string> words_of(const std::string &text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
      word += c;
      continue;
    }
    if (!word.empty()) words.push_back(word);
    word.clear();
  }
  return words;
}

// Returns the share of four-word sequences that repeat an earlier one: 1 - (different sequences) / (all sequences), called
// seq-rep-4 by Welleck et al. 2019. It is 0 for fewer than four words.
double repeated_grams(const std::vector<std::string> &words) {
  if (words.size() < k_gram) return 0.0;
  std::map<std::string, int> seen;
  const size_t all = words.size() - k_gram + 1;
  for (size_t i = 0; i < all; ++i) {
    std::string gram;
    for (size_t k = 0; k < k_gram; ++k) gram += words[i + k] + "\n";
    ++seen[gram];
  }
  return 1.0 - static_cast<double>(seen.size()) / static_cast<double>(all);
}

class text_statistics : public metric {
 public:
  std::vector<number> declared() const override {
    number tokens{"tokens", "tokens", "none", "mean", "bootstrap"};
    tokens.summary = "mean tokens of an answer";
    number words{"words", "count", "none", "mean", "bootstrap"};
    words.summary = "mean words of an answer";
    number repeated{"repeated_4grams", "fraction", "lower", "bounded", "bootstrap"};
    repeated.summary = "mean share of four-word sequences that repeat an earlier one";
    number truncated{"truncated", "fraction", "lower"};
    truncated.summary = "share of answers that end at the token limit";
    number empty{"empty", "fraction", "lower"};
    empty.summary = "share of answers without a visible character";
    return {tokens, words, repeated, truncated, empty};
  }

  row score(int64_t index, const assay_json::value &record) override {
    const std::string &text = text_of(record, index, "text");
    const std::vector<std::string> words = words_of(text);
    const assay_json::value *tokens = record.find("tokens");
    if (tokens == nullptr || tokens->kind != assay_json::type::number)
      throw argument_problem("sample " + std::to_string(index) + " has no number 'tokens'");
    const bool cut = record.string_or("finish", "") == "length";
    return {{tokens->number, static_cast<double>(words.size()), repeated_grams(words),
             cut ? 1.0 : 0.0, words.empty() ? 1.0 : 0.0},
            {}};
  }
};

}  // namespace

std::unique_ptr<metric> make_text_statistics(const assay_json::value &) {
  return std::make_unique<text_statistics>();
}

}  // namespace answers
