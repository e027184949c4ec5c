// Computes the distance between two words, and decides which candidate is near enough to be suggested.
#include "core/suggest.hpp"

#include <algorithm>

namespace assay {
namespace {

constexpr size_t k_listed_candidates = 12;

bool is_prefix(std::string_view a, std::string_view b) {
  return a.size() >= 3 && b.substr(0, a.size()) == a;
}

}  // namespace

// Fills the table of distances between the beginnings of a and b row by row: `before`, `last` and `now` are the rows
// i - 2, i - 1 and i.
int edit_distance(std::string_view a, std::string_view b) {
  const size_t n = b.size();
  std::vector<int> before(n + 1), last(n + 1), now(n + 1);
  for (size_t j = 0; j <= n; ++j) last[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    for (size_t j = 1; j <= n; ++j) {
      const int change = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[n];
}

std::string closest(std::string_view word, const std::vector<std::string> &candidates) {
  const int limit = std::max(1, static_cast<int>(word.size()) / 3);
  int best = limit + 1;
  std::string found;
  for (const std::string &candidate : candidates) {
    int distance = edit_distance(word, candidate);
    if (is_prefix(word, candidate) || is_prefix(candidate, word)) distance = std::min(distance, 1);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view word, const std::vector<std::string> &candidates) {
  const std::string found = closest(word, candidates);
  if (!found.empty()) return "Did you mean '" + found + "'?";
  if (candidates.empty()) return "";
  std::string text = "Known: ";
  for (size_t i = 0; i < candidates.size() && i < k_listed_candidates; ++i)
    text += (i ? ", " : "") + candidates[i];
  return text + (candidates.size() > k_listed_candidates ? ", ..." : "");
}

}  // namespace assay
