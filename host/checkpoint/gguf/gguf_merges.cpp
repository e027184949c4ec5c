// Derives BPE merges from token scores and sorts them as transformers does: by score, then by the
// length of the left half, then of the right half (in characters), all descending. If all are
// equal, merges are ordered by the id of the made token, then by the ids of its halves.
#include "checkpoint/gguf/gguf_merges.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace assay::model {
namespace {

struct merge {
  double score;
  size_t left_characters, right_characters;
  size_t left, right;  // token ids
};

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

}  // namespace

std::vector<std::string> merges_from_scores(const std::vector<std::string_view> &tokens,
                                            const std::vector<double> &scores) {
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t id = 0; id < tokens.size(); ++id) ids[tokens[id]] = id;
  std::vector<merge> found;
  for (size_t id = 0; id < tokens.size(); ++id) {
    const std::string_view token = tokens[id];
    const auto first = static_cast<std::ptrdiff_t>(found.size());
    for (size_t cut = 1; cut < token.size(); ++cut) {
      if (!begins_character(token[cut])) continue;
      const auto left = ids.find(token.substr(0, cut)), right = ids.find(token.substr(cut));
      if (left == ids.end() || right == ids.end()) continue;
      found.push_back({scores[id], characters(left->first), characters(right->first), left->second,
                       right->second});
    }
    std::sort(found.begin() + first, found.end(), [](const merge &a, const merge &b) {
      return std::tie(a.left, a.right) < std::tie(b.left, b.right);
    });
  }
  std::stable_sort(found.begin(), found.end(), [](const merge &a, const merge &b) {
    return std::tie(a.score, a.left_characters, a.right_characters) >
           std::tie(b.score, b.left_characters, b.right_characters);
  });
  std::vector<std::string> out;
  out.reserve(found.size());
  for (const merge &one : found)
    out.push_back(std::string(tokens[one.left]) + " " + std::string(tokens[one.right]));
  return out;
}

}  // namespace assay::model
