// Do two sets of texts share content? Hashes of whole texts and runs of 13 words.
// Not a judgement: the script decides what an overlap means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace assay::signals {

// Lower-case words: runs of letters, digits and bytes of characters beyond ASCII. Punctuation, spacing and case of
// ASCII letters are no difference in content.
std::vector<std::string> words_of(std::string_view text);

struct content_key {
  // SHA-256 of the words with one space between them; "" for a text without words
  std::string hash;
  int64_t n_words = 0;  // words
};
content_key content_of(std::string_view text);

// Every run of `n` words of the texts added so far, as 64-bit hashes: 8 to 40 bytes a run.
class passage_index {
 public:
  explicit passage_index(int64_t n_words = 13);
  void add(std::string_view text);

  struct overlap {
    int64_t runs = 0;    // in the text that was asked for
    int64_t shared = 0;  // of them also in the index
    std::string first;   // words of the first shared run, or ""
  };
  overlap check(std::string_view text) const;
  int64_t size() const { return static_cast<int64_t>(runs_.size()); }

 private:
  int64_t n_;
  std::unordered_set<uint64_t> runs_;
};

}  // namespace assay::signals
