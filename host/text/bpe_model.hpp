// Byte pair encoding (BPE): turns a pre-token (about a word) into token ids. It begins with single
// characters and joins neighbours by a list of merges; the merge that is earliest in the list is done
// first. pre_tokenizer cuts a text into pre-tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer_file.hpp"
#include "text/word_cache.hpp"

namespace assay::text {

struct bpe_options {
  bool byte_level = false;     // the vocabulary writes each byte as a character (byte_alphabet.hpp)
  bool ignore_merges = false;  // a pre-token that is itself a token is used whole (Llama-3)
  bool byte_fallback = false;  // each byte of an unknown character becomes a token <0xHH>
  bool fuse_unk = false;       // a run of unknown characters becomes one unk_token
  std::string unk_token;       // "" = unknown characters are dropped, as in the reference
};

// Maps a pair of ids (left, right) to the merge's rank and the id of the merged token. It is a hash
// table with open addressing that is built once.
class merge_table {
 public:
  struct entry {
    uint64_t pair;
    int32_t rank;  // place in the list of merges; a pair of lower rank is merged first
    int32_t id;    // of the merged token
  };
  void build(const std::vector<entry> &entries);
  const entry *find(int32_t left, int32_t right) const {
    if (slots_.empty()) return nullptr;
    const uint64_t pair = key(left, right);
    for (size_t slot = hash(pair) >> shift_;; slot = (slot + 1) & (slots_.size() - 1)) {
      if (slots_[slot].pair == pair) return &slots_[slot];
      if (slots_[slot].pair == k_free) return nullptr;
    }
  }
  static uint64_t key(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }

 private:
  static constexpr uint64_t k_free = ~uint64_t{0};
  static uint64_t hash(uint64_t pair) {
    pair = (pair ^ pair >> 29) * 0xBF58476D1CE4E5B9u;
    return (pair ^ pair >> 32) * 0x94D049BB133111EBu;
  }
  std::vector<entry> slots_;
  int shift_ = 63;
};

// The working memory of one encode() call, kept for later calls.
struct bpe_scratch {
  std::vector<int32_t> ids, ranks, previous, next;
  std::vector<uint64_t> heap;
  std::string bytes;
  word_cache cache;
};

class bpe_model {
 public:
  // Throws error(failed) at `where` if the vocabulary lacks unk_token, or if it lacks a token that a
  // merge names or makes.
  bpe_model(token_table vocab, const merge_list &merges, bpe_options options,
            const std::string &where);

  // Appends the ids of one pre-token, which is valid UTF-8, to `out`.
  void tokenize(std::string_view piece, bpe_scratch &scratch, std::vector<int32_t> &out) const;

  const token_table &vocab() const { return vocab_; }
  const bpe_options &options() const { return options_; }

 private:
  void word(std::string_view piece, bpe_scratch &scratch, std::vector<int32_t> &out) const;
  void uncached_word(std::string_view piece, bpe_scratch &scratch, std::vector<int32_t> &out) const;
  void symbols_of_bytes(std::string_view piece, bpe_scratch &scratch) const;
  void symbols_of_chars(std::string_view piece, bpe_scratch &scratch) const;
  bool fallback_bytes(std::string_view character, std::vector<int32_t> &ids) const;
  void merge_short(bpe_scratch &scratch) const;
  void merge_long(bpe_scratch &scratch) const;

  token_table vocab_;
  bpe_options options_;
  merge_table merges_;
  int32_t byte_ids_[256];      // id of the character that stands for each byte; -1 = none
  int32_t fallback_ids_[256];  // id of the token <0xHH> of each byte; -1 = none
  int32_t unk_id_ = -1;
  bool all_bytes_known_ = false;
  bool splits_at_blocks_ = false;  // pieces are cut before "▁", because no merge crosses that place
  token_table whole_words_;        // for byte_level with ignore_merges: raw bytes -> id
};

}  // namespace assay::text
