// Remembers the token ids of short words, because most words of a text were seen before. The cache has
// a fixed size, so a new word replaces the old word that has the same place. The cache saves time and
// never changes a result. Do not share a cache between threads.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "text/token_table.hpp"

namespace assay::text {

class word_cache {
 public:
  static constexpr size_t k_max_bytes = 30;  // of a word; the caller never stores a longer one
  static constexpr size_t k_max_ids = 8;     // a word with more ids is not stored

  // If the word is here, appends its ids to `out` and returns true. hash: hash_bytes(word).
  bool find(std::string_view word, uint64_t hash, std::vector<int32_t> &out) const {
    if (!lines_) return false;
    const line &l = lines_[hash >> k_shift];
    if (l.length != word.size() || std::memcmp(l.text, word.data(), word.size()) != 0) return false;
    out.insert(out.end(), l.ids, l.ids + l.n_ids);
    return true;
  }
  void store(std::string_view word, uint64_t hash, const int32_t *ids, size_t n_ids) {
    if (n_ids > k_max_ids) return;
    if (!lines_) lines_ = std::make_unique<line[]>(size_t{1} << k_bits);
    line &l = lines_[hash >> k_shift];
    l.length = static_cast<uint8_t>(word.size());
    l.n_ids = static_cast<uint8_t>(n_ids);
    std::memcpy(l.text, word.data(), word.size());
    std::memcpy(l.ids, ids, n_ids * sizeof(int32_t));
  }

 private:
  static constexpr int k_bits = 15;  // 32,768 lines of 64 bytes: 2 MB
  static constexpr int k_shift = 64 - k_bits;
  struct alignas(64) line {  // one cache line of the processor; length 0 = free
    uint8_t length = 0, n_ids = 0;
    char text[k_max_bytes];
    int32_t ids[k_max_ids];
  };
  std::unique_ptr<line[]> lines_;
};

}  // namespace assay::text
