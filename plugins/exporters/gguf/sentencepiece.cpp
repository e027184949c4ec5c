// Finds scores of tokens for a SentencePiece vocabulary. A GGUF file with such a vocabulary has scores
// in place of merges: any two neighbours whose join is a token may merge, and the join with the
// highest score comes first (ggml-org/llama.cpp, llm_tokenizer_spm).
#include <algorithm>
#include <unordered_map>

#include "metadata.hpp"

namespace gguf {
namespace {

constexpr float k_unset = 1;  // of a token that has no score yet; scores are 0 and below

using ids_by_text = std::unordered_map<std::string_view, size_t>;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// All ways to join the token from two others, "left right", sorted. Their order does not matter to
// a SentencePiece model, and versions of transformers list them in different orders.
std::vector<std::string> joins_of(std::string_view token, const ids_by_text &ids) {
  std::vector<std::string> out;
  for (size_t cut = 1; cut < token.size(); ++cut) {
    if (!begins_character(token[cut])) continue;
    const std::string_view left = token.substr(0, cut), right = token.substr(cut);
    if (ids.count(left) == 0 || ids.count(right) == 0) continue;
    out.push_back(std::string(left).append(" ").append(right));
  }
  std::sort(out.begin(), out.end());
  return out;
}

[[noreturn]] void refuse(const std::string &what) {
  throw failure(ASSAY_UNSUPPORTED,
                "tokenizer.json: the merges are not those of a SentencePiece model (" + what +
                    "), so no scores stand for them");
}

// "left right" -> "leftright".
std::string joined(const std::string &merge) {
  const size_t space = merge.find(' ');
  if (space == std::string::npos) refuse("'" + merge + "' has no two halves");
  return merge.substr(0, space) + merge.substr(space + 1);
}

}  // namespace

std::vector<float> scores_of(const std::vector<std::string> &tokens, const std::vector<bool> &whole,
                             const std::vector<std::string> &all_merges) {
  ids_by_text ids, whole_ids;
  for (size_t id = 0; id < tokens.size(); ++id)
    (whole[id] ? whole_ids : ids).emplace(tokens[id], id);
  std::vector<std::string> merges;
  for (const std::string &merge : all_merges) {
    const size_t space = merge.find(' ');
    const std::string_view left = std::string_view(merge).substr(0, space),
                           right = std::string_view(merge).substr(space + 1);
    if (whole_ids.count(left) == 0 && whole_ids.count(right) == 0 &&
        whole_ids.count(joined(merge)) == 0)
      merges.push_back(merge);
  }
  std::vector<float> scores(tokens.size(), k_unset);
  float next = 0;
  for (size_t at = 0; at < merges.size();) {
    const std::string made = joined(merges[at]);
    const auto found = ids.find(made);
    if (found == ids.end()) refuse("'" + made + "' is no token");
    if (scores[found->second] != k_unset) refuse("those of '" + made + "' do not stand together");
    std::vector<std::string> given;
    for (; at < merges.size() && joined(merges[at]) == made; ++at) given.push_back(merges[at]);
    std::sort(given.begin(), given.end());
    if (given != joins_of(made, ids)) refuse("some that make '" + made + "' are missing");
    scores[found->second] = next--;
  }
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (scores[id] != k_unset) continue;
    if (!whole[id] && !joins_of(tokens[id], ids).empty()) refuse("none makes '" + tokens[id] + "'");
    scores[id] = next--;
  }
  return scores;
}

}  // namespace gguf
