// Computes BPE as the reference library (Hugging Face's tokenizers) does: a word becomes symbols,
// the ids of its characters; then pairs are merged, the lowest rank first, and of equal ranks the
// leftmost. Two functions give the same result: merge_short scans all pairs, merge_long uses a heap.
#include "text/bpe_model.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>

#include "core/error.hpp"
#include "text/byte_alphabet.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

constexpr size_t k_short_word = 40;  // symbols; for longer words the heap is faster
constexpr int32_t k_no_rank = INT32_MAX;
constexpr std::string_view k_block = "\u2581";  // SentencePiece's word mark, U+2581

// Returns false if a merge joins a right part that begins with the word mark "▁" to a left part that does not
// end with it. If there is no such merge, a mark after any other character begins a new word, and words can be
// encoded one by one.
bool merges_stay_in_words(const merge_list &merges) {
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto [left, right] = merges[rank];
    if (right.starts_with(k_block) && !left.ends_with(k_block)) return false;
  }
  return true;
}

}  // namespace

void merge_table::build(const std::vector<entry> &entries) {
  if (entries.empty()) return;
  const size_t n_slots = std::bit_ceil(entries.size() * 2);
  slots_.assign(n_slots, entry{k_free, 0, 0});
  shift_ = 64 - std::countr_zero(n_slots);
  for (const entry &e : entries) {  // if a pair is listed twice, the last wins, as in the reference
    size_t slot = hash(e.pair) >> shift_;
    while (slots_[slot].pair != k_free && slots_[slot].pair != e.pair)
      slot = (slot + 1) & (n_slots - 1);
    slots_[slot] = e;
  }
}

// Finds the ids of everything that encoding needs: the tokens of the merges, the tokens of single bytes,
// unk_token, and the whole words if a byte-level vocabulary has ignore_merges.
bpe_model::bpe_model(token_table vocab, const merge_list &merges, bpe_options options,
                     const std::string &where)
    : vocab_(std::move(vocab)), options_(std::move(options)) {
  std::vector<merge_table::entry> entries;
  entries.reserve(merges.size());
  // The left part, the right part and the joined text of some merges at a time.
  constexpr size_t k_batch = 64;
  std::array<std::string_view, 3 * k_batch> texts;
  std::array<int32_t, 3 * k_batch> ids;
  std::array<std::string, k_batch> joined;
  for (size_t begin = 0; begin < merges.size(); begin += k_batch) {
    const size_t n = std::min(k_batch, merges.size() - begin);
    for (size_t i = 0; i < n; ++i) {
      const auto [left, right] = merges[begin + i];
      joined[i].assign(left).append(right);
      texts[3 * i] = left, texts[3 * i + 1] = right, texts[3 * i + 2] = joined[i];
    }
    vocab_.find_all({texts.data(), 3 * n}, ids.data());
    for (size_t i = 0; i < n; ++i) {
      const int32_t *id = ids.data() + 3 * i;
      const int32_t *absent = std::find(id, id + 3, -1);
      if (absent != id + 3)
        throw error(error_kind::failed,
                    "merge " + std::to_string(begin + i) + " needs the token '" +
                        std::string(texts[3 * i + static_cast<size_t>(absent - id)]) +
                        "', which the vocabulary lacks")
            .at(where);
      entries.push_back({merge_table::key(id[0], id[1]), static_cast<int32_t>(begin + i), id[2]});
    }
  }
  merges_.build(entries);
  all_bytes_known_ = true;
  for (unsigned b = 0; b < 256; ++b) {
    std::string character;
    append_utf8(character, byte_to_char(static_cast<uint8_t>(b)));
    byte_ids_[b] = vocab_.find(character);
    all_bytes_known_ = all_bytes_known_ && byte_ids_[b] >= 0;
    std::array<char, 8> name;
    std::snprintf(name.data(), name.size(), "<0x%02X>", b);
    fallback_ids_[b] = vocab_.find(name.data());
  }
  if (!options_.unk_token.empty()) {
    unk_id_ = vocab_.find(options_.unk_token);
    if (unk_id_ < 0)
      throw error(error_kind::failed,
                  "unk_token '" + options_.unk_token + "' is not in the vocabulary")
          .at(where);
  }
  splits_at_blocks_ = !options_.byte_level && !options_.ignore_merges &&
                      vocab_.find(k_block) >= 0 && merges_stay_in_words(merges);
  if (options_.byte_level && options_.ignore_merges)
    for (int32_t id = 0; id < vocab_.id_end(); ++id)
      if (vocab_.has_id(id))
        if (const auto bytes = token_bytes(vocab_.text(id))) whole_words_.add(*bytes, id);
}

// If no merge crosses the beginning of a word mark "▁", cuts the piece there and encodes the words one by one.
void bpe_model::tokenize(std::string_view piece, bpe_scratch &scratch,
                         std::vector<int32_t> &out) const {
  if (!splits_at_blocks_) return word(piece, scratch, out);
  size_t start = 0;
  for (size_t at = piece.find(k_block); at != std::string_view::npos;
       at = piece.find(k_block, at + k_block.size())) {
    const bool after_block = at >= k_block.size() && piece.substr(0, at).ends_with(k_block);
    if (at == start || after_block) continue;
    word(piece.substr(start, at - start), scratch, out);
    start = at;
  }
  word(piece.substr(start), scratch, out);
}

void bpe_model::word(std::string_view piece, bpe_scratch &scratch,
                     std::vector<int32_t> &out) const {
  if (piece.empty()) return;
  if (piece.size() > word_cache::k_max_bytes) return uncached_word(piece, scratch, out);
  const uint64_t hash = hash_bytes(piece);
  if (scratch.cache.find(piece, hash, out)) return;
  const size_t before = out.size();
  uncached_word(piece, scratch, out);
  scratch.cache.store(piece, hash, out.data() + before, out.size() - before);
}

void bpe_model::uncached_word(std::string_view piece, bpe_scratch &scratch,
                              std::vector<int32_t> &out) const {
  if (options_.ignore_merges) {
    const int32_t id = (options_.byte_level ? whole_words_ : vocab_).find(piece);
    if (id >= 0) return out.push_back(id);
  }
  scratch.ids.clear();
  if (options_.byte_level && all_bytes_known_) {
    symbols_of_bytes(piece, scratch);
  } else if (options_.byte_level) {
    scratch.bytes.clear();
    append_byte_chars(scratch.bytes, piece);
    symbols_of_chars(scratch.bytes, scratch);
  } else {
    symbols_of_chars(piece, scratch);
  }
  if (scratch.ids.size() <= k_short_word)
    merge_short(scratch);
  else
    merge_long(scratch);
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

void bpe_model::symbols_of_bytes(std::string_view piece, bpe_scratch &scratch) const {
  for (const char c : piece) scratch.ids.push_back(byte_ids_[static_cast<uint8_t>(c)]);
}

// Appends one token <0xHH> for each byte of the character. If one of them does not exist, it appends
// nothing and returns false.
bool bpe_model::fallback_bytes(std::string_view character, std::vector<int32_t> &ids) const {
  for (const char c : character)
    if (fallback_ids_[static_cast<uint8_t>(c)] < 0) return false;
  for (const char c : character) ids.push_back(fallback_ids_[static_cast<uint8_t>(c)]);
  return true;
}

// Turns characters into symbols. The unk_token of an unknown character waits until a later character is
// looked at, so that a run of unknown characters can be fused. Fallback bytes are appended at once and
// so come before an unk_token that waits; the reference has the same order.
void bpe_model::symbols_of_chars(std::string_view piece, bpe_scratch &scratch) const {
  bool unk_waits = false;
  for (size_t i = 0; i < piece.size();) {
    const std::string_view character = piece.substr(i, decode_valid(piece.data() + i).n_bytes);
    i += character.size();
    const int32_t id = vocab_.find(character);
    if (id >= 0) {
      if (unk_waits) scratch.ids.push_back(unk_id_);
      unk_waits = false;
      scratch.ids.push_back(id);
    } else if (options_.byte_fallback && fallback_bytes(character, scratch.ids)) {
      continue;
    } else if (unk_id_ >= 0) {
      if (unk_waits && !options_.fuse_unk) scratch.ids.push_back(unk_id_);
      unk_waits = true;
    }
  }
  if (unk_waits) scratch.ids.push_back(unk_id_);
}

// Merges the pair of lowest rank (of equal ranks the leftmost) until no pair can be merged. It takes
// O(n^2) steps for n symbols, so it is for short words.
void bpe_model::merge_short(bpe_scratch &scratch) const {
  auto &ids = scratch.ids;
  auto &ranks = scratch.ranks;  // ranks[i]: rank of the pair (i, i + 1)
  const auto rank_of = [&](size_t i) {
    const merge_table::entry *e = merges_.find(ids[i], ids[i + 1]);
    return e ? e->rank : k_no_rank;
  };
  size_t n = ids.size();
  if (n < 2) return;
  ranks.resize(n);
  for (size_t i = 0; i + 1 < n; ++i) ranks[i] = rank_of(i);
  while (n > 1) {
    const auto best =
        std::min_element(ranks.begin(), ranks.begin() + static_cast<ptrdiff_t>(n) - 1);
    if (*best == k_no_rank) break;
    const size_t at = static_cast<size_t>(best - ranks.begin());
    ids[at] = merges_.find(ids[at], ids[at + 1])->id;
    std::move(ids.begin() + static_cast<ptrdiff_t>(at) + 2, ids.begin() + static_cast<ptrdiff_t>(n),
              ids.begin() + static_cast<ptrdiff_t>(at) + 1);
    std::move(best + 2, ranks.begin() + static_cast<ptrdiff_t>(n), best + 1);
    --n;
    if (at + 1 < n) ranks[at] = rank_of(at);
    if (at > 0) ranks[at - 1] = rank_of(at - 1);
  }
  ids.resize(n);
}

// Gives the same result as merge_short in O(n log n), with a heap of (rank, position of the left
// symbol). A merge keeps the left symbol and marks the right one dead (next = k_dead). A heap entry
// whose pair has changed meanwhile is skipped. Comparing ranks detects such an entry, because no two
// pairs have the same rank.
void bpe_model::merge_long(bpe_scratch &scratch) const {
  constexpr int32_t k_end = -1, k_dead = -2;
  auto &ids = scratch.ids;
  auto &next = scratch.next;
  auto &previous = scratch.previous;
  auto &heap = scratch.heap;
  const int32_t n = static_cast<int32_t>(ids.size());
  const auto at = [](int32_t i) { return static_cast<size_t>(i); };
  next.resize(ids.size());
  previous.resize(ids.size());
  heap.clear();
  const auto entry_of = [&](int32_t i) { return merges_.find(ids[at(i)], ids[at(next[at(i)])]); };
  const auto heap_key = [](int32_t rank, int32_t i) {
    return uint64_t{static_cast<uint32_t>(rank)} << 32 | static_cast<uint32_t>(i);
  };
  for (int32_t i = 0; i < n; ++i) {
    previous[at(i)] = i - 1;
    next[at(i)] = i + 1 < n ? i + 1 : k_end;
  }
  for (int32_t i = 0; i + 1 < n; ++i)
    if (const auto *e = entry_of(i)) heap.push_back(heap_key(e->rank, i));
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  const auto push = [&](int32_t i) {
    if (const auto *e = entry_of(i)) {
      heap.push_back(heap_key(e->rank, i));
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
    }
  };
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const int32_t rank = static_cast<int32_t>(heap.back() >> 32);
    const int32_t i = static_cast<int32_t>(heap.back() & 0xFFFFFFFFu);
    heap.pop_back();
    if (next[at(i)] < 0) continue;
    const auto *e = entry_of(i);
    if (!e || e->rank != rank) continue;
    const int32_t right = next[at(i)];
    ids[at(i)] = e->id;
    next[at(i)] = next[at(right)];
    next[at(right)] = k_dead;
    if (next[at(i)] >= 0) {
      previous[at(next[at(i)])] = i;
      push(i);
    }
    if (previous[at(i)] >= 0) push(previous[at(i)]);
  }
  size_t kept = 0;
  for (int32_t i = 0; i >= 0;) {
    const int32_t following = next[at(i)];
    ids[kept++] = ids[at(i)];
    i = following;
  }
  ids.resize(kept);
}

}  // namespace assay::text
