// Reserves room for keys and values of sequences that come and go: regions of one long KV slot,
// counted by their users.
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

  // The first token of a region, which is freed with the last copy. The pool must outlive it.
  using region = std::shared_ptr<const int64_t>;
  // Null if no gap is wide enough. tokens >= 1.
  region take(int64_t tokens);

  int64_t capacity() const { return capacity_; }

 private:
  void give_back(int64_t first, int64_t tokens);
  std::map<int64_t, int64_t> free_;  // first -> tokens; never adjacent
  int64_t capacity_;
};

}  // namespace assay::engine
