// Reserves room for the keys and values of sequences: regions of one long slot of the KV cache.
// Sequences that share a prefix share its region. The region becomes free when its last user gives it up.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace assay::engine {

class key_pool {
 public:
  explicit key_pool(int64_t capacity) : free_{{0, capacity}}, capacity_(capacity) {}  // tokens
  key_pool(const key_pool &) = delete;
  key_pool &operator=(const key_pool &) = delete;

  // Points to the place of the region's first token in the slot. The region is freed with the last
  // copy of the pointer. The pool must outlive all copies.
  using region = std::shared_ptr<const int64_t>;
  // Reserves `tokens` >= 1 places side by side. Returns null if no gap is wide enough.
  region take(int64_t tokens);

  int64_t capacity() const { return capacity_; }
  int64_t used() const;  // tokens of all regions

 private:
  void give_back(int64_t first, int64_t tokens);
  std::map<int64_t, int64_t> free_;  // gaps: first -> tokens; two gaps never touch
  int64_t capacity_;
};

}  // namespace assay::engine
