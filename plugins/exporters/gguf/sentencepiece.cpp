// Finds scores of tokens for a SentencePiece vocabulary. Such a file has scores in place of merges: any two neighbours whose join is a
// token may merge, and the join with the highest score comes first (ggml-org/llama.cpp, src/llama-vocab.cpp, llm_tokenizer_spm).
#include <unordered_map>

#include "metadata.hpp"

namespace gguf {
namespace {

using ids_by_text = std::unordered_map<std::string_view, size_t>;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

// All ways to join the token from two others, "left right", with the longest left part first: the order in which
// transformers lists them (convert_slow_tokenizer.py, generate_merges).
std::vector<std::string> joins_of(std::string_view token, const ids_by_text &ids) {
  std::vector<std::string> out;
  for (size_t cut = token.size(); cut-- > 1;) {
    if (!begins_character(token[cut])) continue;
    const std::string_view left = token.substr(0, cut), right = token.substr(cut);
    if (ids.count(left) == 0 || ids.count(right) == 0) continue;
    out.push_back(std::string(left).append(" ").append(right));
  }
  return out;
}

[[noreturn]] void refuse(const std::string &what) {
  throw failure(ASSAY_UNSUPPORTED,
                "tokenizer.json: the merges are not those of a SentencePiece model (" + what +
                    "), so no scores stand for them");
}

}  // namespace

std::vector<float> scores_of(const std::vector<std::string> &tokens,
                             const std::vector<std::string> &merges) {
  ids_by_text ids;
  for (size_t id = 0; id < tokens.size(); ++id) ids.emplace(tokens[id], id);
  std::vector<float> scores(tokens.size(), 1);  // 1: no merge makes this token
  float next = 0;
  for (size_t at = 0; at < merges.size();) {
    const size_t space = merges[at].find(' ');
    if (space == std::string::npos) refuse("'" + merges[at] + "' has no two halves");
    const std::string made = merges[at].substr(0, space) + merges[at].substr(space + 1);
    const auto found = ids.find(made);
    if (found == ids.end()) refuse("'" + made + "' is no token");
    if (scores[found->second] != 1) refuse("those of '" + made + "' do not stand together");
    for (const std::string &join : joins_of(made, ids)) {
      if (at == merges.size() || merges[at] != join)
        refuse("'" + join + "' is not where it is due");
      ++at;
    }
    scores[found->second] = next--;
  }
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (scores[id] != 1) continue;
    if (!joins_of(tokens[id], ids).empty()) refuse("none makes '" + tokens[id] + "'");
    scores[id] = next--;
  }
  return scores;
}

}  // namespace gguf
