// Reserves a region in the first gap that is wide enough. When a region is freed, it is joined with
// the gaps beside it.
#include "engine/key_pool.hpp"

#include <iterator>

namespace assay::engine {

key_pool::region key_pool::take(int64_t tokens) {
  for (auto gap = free_.begin(); gap != free_.end(); ++gap) {
    if (gap->second < tokens) continue;
    const int64_t first = gap->first, rest = gap->second - tokens;
    free_.erase(gap);
    if (rest > 0) free_.emplace(first + tokens, rest);
    return {new int64_t(first), [this, tokens](const int64_t *place) {
              give_back(*place, tokens);
              delete place;
            }};
  }
  return nullptr;
}

int64_t key_pool::used() const {
  int64_t gaps = 0;
  for (const auto &[first, tokens] : free_) gaps += tokens;
  return capacity_ - gaps;
}

void key_pool::give_back(int64_t first, int64_t tokens) {
  const auto next = free_.lower_bound(first);
  if (next != free_.end() && next->first == first + tokens) {
    tokens += next->second;
    free_.erase(next);
  }
  const auto after = free_.lower_bound(first);
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == first) {
      before->second += tokens;
      return;
    }
  }
  free_.emplace(first, tokens);
}

}  // namespace assay::engine
