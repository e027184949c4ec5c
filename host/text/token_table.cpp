// Implements the hash table of token texts. Look-ups may run in several threads, but not while a
// token is added.
#include "text/token_table.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace assay::text {

uint64_t hash_bytes(std::string_view bytes) {
  constexpr uint64_t k_mix = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio
  uint64_t h = bytes.size() * k_mix;
  const char *p = bytes.data();
  size_t n = bytes.size();
  for (uint64_t word; n >= 8; p += 8, n -= 8) {
    std::memcpy(&word, p, 8);
    h = (h ^ word) * k_mix;
    h ^= h >> 32;
  }
  uint64_t word = 0;
  std::memcpy(&word, p, n);
  h = (h ^ word) * k_mix;
  return h ^ h >> 29;
}

void token_table::add(std::string_view text, int32_t id) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  const uint64_t hash = hash_bytes(text);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot] >= 0) {
    entry &e = entries_[static_cast<size_t>(slots_[slot])];
    if (e.hash == hash && text_of(e) == text) break;
    slot = (slot + 1) & mask;
  }
  int32_t at = slots_[slot];
  if (at < 0) {
    at = static_cast<int32_t>(entries_.size());
    slots_[slot] = at;
    entries_.push_back({arena_.size(), static_cast<uint32_t>(text.size()), id, hash});
    arena_.append(text);
  } else {
    entry &e = entries_[static_cast<size_t>(at)];
    if (by_id_[static_cast<size_t>(e.id)] == at) by_id_[static_cast<size_t>(e.id)] = -1;
    e.id = id;
  }
  if (id >= id_end()) by_id_.resize(static_cast<size_t>(id) + 1, -1);
  by_id_[static_cast<size_t>(id)] = at;
}

void token_table::grow() {
  slots_.assign(slots_.empty() ? 1024 : slots_.size() * 2, -1);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & mask;
    while (slots_[slot] >= 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<int32_t>(i);
  }
}

int32_t token_table::find(std::string_view text) const {
  return find(text, hash_bytes(text));
}

int32_t token_table::find(std::string_view text, uint64_t hash) const {
  if (slots_.empty()) return -1;
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; slots_[slot] >= 0; slot = (slot + 1) & mask) {
    const entry &e = entries_[static_cast<size_t>(slots_[slot])];
    if (e.hash == hash && text_of(e) == text) return e.id;
  }
  return -1;
}

// A search reads a slot, then the entry, then the text, and each lies in another part of memory. Every step is done for a batch
// of texts before the next step, so that their reads overlap.
void token_table::find_all(std::span<const std::string_view> texts, int32_t *ids) const {
  constexpr size_t k_batch = 16;
  if (slots_.empty()) return void(std::fill_n(ids, texts.size(), -1));
  const size_t mask = slots_.size() - 1;
  for (size_t begin = 0; begin < texts.size(); begin += k_batch) {
    const size_t n = std::min(k_batch, texts.size() - begin);
    std::array<uint64_t, k_batch> hashes;
    std::array<const entry *, k_batch> entries;
    for (size_t i = 0; i < n; ++i) {
      hashes[i] = hash_bytes(texts[begin + i]);
      __builtin_prefetch(&slots_[hashes[i] & mask]);
    }
    for (size_t i = 0; i < n; ++i) {
      const int32_t at = slots_[hashes[i] & mask];
      entries[i] = at < 0 ? nullptr : &entries_[static_cast<size_t>(at)];
      if (entries[i] != nullptr) __builtin_prefetch(entries[i]);
    }
    for (size_t i = 0; i < n; ++i)
      if (entries[i] != nullptr) __builtin_prefetch(arena_.data() + entries[i]->offset);
    for (size_t i = 0; i < n; ++i) ids[begin + i] = find(texts[begin + i], hashes[i]);
  }
}

std::string_view token_table::text(int32_t id) const {
  return has_id(id) ? text_of(entries_[static_cast<size_t>(by_id_[static_cast<size_t>(id)])])
                    : std::string_view();
}

}  // namespace assay::text
