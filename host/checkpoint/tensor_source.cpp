// Look-up by name.
#include "checkpoint/tensor_source.hpp"

#include <algorithm>
#include <numeric>

namespace assay::model {

int64_t tensor_info::numel() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

const tensor_info *tensor_source::find(const std::string &name) const {
  const auto &all = tensors();
  std::call_once(once_, [&] {
    sorted_.resize(all.size());
    std::iota(sorted_.begin(), sorted_.end(), 0u);
    std::sort(sorted_.begin(), sorted_.end(),
              [&](uint32_t a, uint32_t b) { return all[a].name < all[b].name; });
  });
  const auto found =
      std::lower_bound(sorted_.begin(), sorted_.end(), name,
                       [&](uint32_t i, const std::string &n) { return all[i].name < n; });
  return found != sorted_.end() && all[*found].name == name ? &all[*found] : nullptr;
}

}  // namespace assay::model
