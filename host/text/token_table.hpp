// Holds a vocabulary: finds the id of a token's text, and the text of an id. text/bpe_model.hpp has
// the merges, text/added_tokens.hpp the tokens that are added to the vocabulary.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::text {

uint64_t hash_bytes(std::string_view bytes);

// A hash table with open addressing; all texts lie in one string. 151,643 tokens take about 8 MB.
class token_table {
 public:
  // Adds a token. If the text is there already, it gets the new id: the last entry of a file wins,
  // as in the reference. id must be 0 .. k_max_id.
  void add(std::string_view text, int32_t id);
  int32_t find(std::string_view text) const;  // -1 if absent
  // Finds many texts: ids[i] becomes find(texts[i]). For a large table this is several times as fast as
  // single searches, because the memory that the next searches need is fetched ahead.
  void find_all(std::span<const std::string_view> texts, int32_t *ids) const;
  std::string_view text(int32_t id) const;  // empty if absent; points into this table
  bool has_id(int32_t id) const {
    return id >= 0 && id < id_end() && by_id_[static_cast<size_t>(id)] >= 0;
  }
  int32_t id_end() const { return static_cast<int32_t>(by_id_.size()); }  // highest id + 1
  size_t size() const { return entries_.size(); }

  static constexpr int32_t k_max_id = (1 << 24) - 1;

 private:
  struct entry {
    uint64_t offset;  // bytes into arena_
    uint32_t length;  // bytes
    int32_t id;
    uint64_t hash;
  };
  void grow();
  int32_t find(std::string_view text, uint64_t hash) const;
  std::string_view text_of(const entry &e) const { return {arena_.data() + e.offset, e.length}; }

  std::string arena_;
  std::vector<entry> entries_;
  std::vector<int32_t> slots_;  // by hash: place in entries_, -1 = free; at most half are used
  std::vector<int32_t> by_id_;  // by id: place in entries_, -1 = none
};

}  // namespace assay::text
