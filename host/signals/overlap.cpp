// Hashes the words of texts and their runs of n words. The hash of a run is a polynomial in the hashes of its words, so that the
// hash of the next run takes one step (Karp & Rabin 1987). A hash has 64 bits: a text of 1,000 words, compared with an index of a
// million runs, has a chance below one in ten million of a false match.
#include "signals/overlap.hpp"

#include "core/error.hpp"
#include "core/hash.hpp"

namespace assay::signals {
namespace {

// Odd, so that different numbers have different products with it modulo 2^64
constexpr uint64_t k_base = 0x9E3779B97F4A7C15;

bool is_word_byte(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

// Spreads each input bit over all output bits (the last step of splitmix64)
uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

uint64_t hash_of(std::string_view word) {  // FNV-1a, then mixed
  uint64_t h = 0xCBF29CE484222325;
  for (const char c : word) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return mixed(h);
}

// Calls visit(hash, index of the first word) for every run of n words.
template <class F>
void for_each_run(const std::vector<std::string> &words, int64_t n, F &&visit) {
  const auto count = static_cast<int64_t>(words.size());
  if (count < n) return;
  uint64_t top = 1;  // k_base^(n-1), the factor of the oldest word, which leaves the run
  for (int64_t i = 1; i < n; ++i) top *= k_base;
  std::vector<uint64_t> hashes;
  hashes.reserve(words.size());
  for (const std::string &word : words) hashes.push_back(hash_of(word));
  uint64_t run = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    if (i >= n) run -= top * hashes[at - static_cast<size_t>(n)];
    run = run * k_base + hashes[at];
    if (i >= n - 1) visit(mixed(run), i - n + 1);
  }
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_word_byte(byte)) {
      word += byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

content_key content_of(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  if (words.empty()) return {};
  sha256 hash;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) hash.update(" ");
    hash.update(words[i]);
  }
  return {hash.hex(), static_cast<int64_t>(words.size())};
}

passage_index::passage_index(int64_t n_words) : n_(n_words) {
  if (n_ < 1) throw error(error_kind::usage, "a passage must have at least one word");
}

void passage_index::add(std::string_view text) {
  for_each_run(words_of(text), n_, [this](uint64_t hash, int64_t) { runs_.insert(hash); });
}

passage_index::overlap passage_index::check(std::string_view text) const {
  const std::vector<std::string> words = words_of(text);
  overlap out;
  for_each_run(words, n_, [&](uint64_t hash, int64_t first) {
    ++out.runs;
    if (runs_.find(hash) == runs_.end()) return;
    if (out.shared++ > 0) return;
    for (int64_t i = first; i < first + n_; ++i)
      out.first += (i > first ? " " : "") + words[static_cast<size_t>(i)];
  });
  return out;
}

}  // namespace assay::signals
