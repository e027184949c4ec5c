// Derives BPE merges from token scores and sorts them as transformers does: by score, then by the
// length of the left half, then of the right half (in characters), all descending. If all are
// equal, merges are ordered by the id of the made token, then by the ids of its halves.
#include "checkpoint/gguf/gguf_merges.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>

namespace assay::model {
namespace {

struct merge {
  uint32_t left_characters, right_characters;
  uint32_t made, left, right;  // token ids
};

// The order of merges that make tokens of equal scores.
bool comes_before(const merge &a, const merge &b) {
  if (a.left_characters != b.left_characters) return a.left_characters > b.left_characters;
  if (a.right_characters != b.right_characters) return a.right_characters > b.right_characters;
  return std::tie(a.made, a.left, a.right) < std::tie(b.made, b.left, b.right);
}

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

uint32_t characters(std::string_view text) {
  return static_cast<uint32_t>(std::count_if(text.begin(), text.end(), begins_character));
}

// Finds the id of a text among the tokens. Texts are hashed character by character, so that all
// prefixes of a token cost one pass over it. A vocabulary of 262,144 tokens has 1.7 million places at
// which a token may be cut, and most prefixes are no tokens.
class id_table {
 public:
  explicit id_table(const std::vector<std::string_view> &tokens)
      : tokens_(tokens),
        slots_(std::bit_ceil(2 * tokens.size() + 2), slot{0, k_free}),
        known_((slots_.size() + 7) / 8) {}

  static uint64_t start() { return 0; }
  static uint64_t next(uint64_t hash, char c) {
    return (hash ^ static_cast<unsigned char>(c)) * 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio
  }
  static uint64_t hash_of(std::string_view text) {
    uint64_t hash = start();
    for (const char c : text) hash = next(hash, c);
    return hash;
  }

  // The last of equal texts wins.
  void add(size_t id) {
    const uint64_t hash = hash_of(tokens_[id]);
    slots_[place(tokens_[id], hash)] = {tag_of(hash), static_cast<uint32_t>(id)};
    known_[bit_of(hash) / 64] |= uint64_t{1} << bit_of(hash) % 64;
  }
  // Returns k_free if the text is no token.
  uint32_t find(std::string_view text, uint64_t hash) const {
    if ((known_[bit_of(hash) / 64] >> bit_of(hash) % 64 & 1) == 0) return k_free;
    return slots_[place(text, hash)].id;
  }

  static constexpr uint32_t k_free = UINT32_MAX;

 private:
  struct slot {
    uint32_t tag, id;
  };
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 11); }
  size_t place(std::string_view text, uint64_t hash) const {
    const size_t mask = slots_.size() - 1;
    for (size_t at = (hash >> 40 ^ hash >> 20) & mask;; at = (at + 1) & mask)
      if (slots_[at].id == k_free ||
          (slots_[at].tag == tag_of(hash) && tokens_[slots_[at].id] == text))
        return at;
  }

  size_t bit_of(uint64_t hash) const { return (hash >> 32) % (64 * known_.size()); }

  const std::vector<std::string_view> &tokens_;
  std::vector<slot> slots_;
  // One bit for some of the hash's bits: set if a token has them. It answers for most texts that are no token, and it is small
  // enough for the processor's cache, which the slots are not.
  std::vector<uint64_t> known_;
};

// Appends all merges that make the token: its cuts into two tokens.
void append_merges(uint32_t made, std::string_view token, const id_table &ids,
                   std::vector<merge> &found) {
  uint64_t hash = id_table::start();
  uint32_t left_characters = 0;
  for (size_t cut = 1; cut < token.size(); ++cut) {
    left_characters += begins_character(token[cut - 1]);
    hash = id_table::next(hash, token[cut - 1]);
    if (!begins_character(token[cut])) continue;
    const uint32_t left = ids.find(token.substr(0, cut), hash);
    if (left == id_table::k_free) continue;
    const std::string_view rest = token.substr(cut);
    const uint32_t right = ids.find(rest, id_table::hash_of(rest));
    if (right == id_table::k_free) continue;
    found.push_back({left_characters, characters(rest), made, left, right});
  }
}

}  // namespace

std::vector<std::string> merges_from_scores(const std::vector<std::string_view> &tokens,
                                            const std::vector<double> &scores,
                                            const std::vector<bool> &skipped) {
  const auto skips = [&](size_t id) { return !skipped.empty() && skipped[id]; };
  id_table ids(tokens);
  for (size_t id = 0; id < tokens.size(); ++id)
    if (!skips(id)) ids.add(id);
  // Tokens in the order of their scores; then only the merges of tokens of one score have to be sorted.
  std::vector<uint32_t> order;
  for (size_t id = 0; id < tokens.size(); ++id)
    if (!skips(id)) order.push_back(static_cast<uint32_t>(id));
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return scores[a] > scores[b]; });
  std::vector<merge> found;
  found.reserve(3 * tokens.size());
  for (size_t at = 0; at < order.size();) {
    const double score = scores[order[at]];
    const auto first = static_cast<std::ptrdiff_t>(found.size());
    for (; at < order.size() && scores[order[at]] == score; ++at)
      append_merges(order[at], tokens[order[at]], ids, found);
    std::sort(found.begin() + first, found.end(), comes_before);
  }
  std::vector<std::string> out;
  out.reserve(found.size());
  for (const merge &one : found) {
    std::string text(tokens[one.left]);
    text.append(" ").append(tokens[one.right]);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace assay::model
