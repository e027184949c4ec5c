// Finds out whether two sets of texts share content, by hashes of whole texts and of runs of 13 words.
// It only counts; scripts/assay/data/overlap.lua decides what an overlap means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace assay::signals {

// The words of a text. A word is a run of ASCII letters, ASCII digits and bytes of non-ASCII characters; ASCII letters become lower
// case. So texts that differ only in ASCII punctuation, spaces or the case of ASCII letters have the same words.
std::vector<std::string> words_of(std::string_view text);

struct content_key {
  // SHA-256 of the words with one space between them; "" for a text without words
  std::string hash;
  int64_t n_words = 0;
};
content_key content_of(std::string_view text);

// An index of all runs of n_words words of the texts that were added. It stores a 64-bit hash of each run.
class passage_index {
 public:
  explicit passage_index(int64_t n_words = 13);
  void add(std::string_view text);

  struct overlap {
    int64_t runs = 0;    // number of runs of n_words words in the text given to check()
    int64_t shared = 0;  // number of these runs that are in the index too
    std::string first;   // the words of the first shared run; "" if there is none
  };
  overlap check(std::string_view text) const;
  int64_t size() const { return static_cast<int64_t>(runs_.size()); }

 private:
  int64_t n_;
  std::unordered_set<uint64_t> runs_;
};

}  // namespace assay::signals
