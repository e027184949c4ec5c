// Builds the tree from the sequences in lexicographic order. Of all earlier
// sequences, the one right before a sequence then shares the longest prefix with it.
#include "engine/token_tree.hpp"

#include <algorithm>
#include <numeric>

namespace assay::engine {

token_tree build_token_tree(const std::vector<std::vector<int64_t>> &sequences,
                            const std::vector<int64_t> &kept) {
  std::vector<size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sequences[a] < sequences[b]; });
  token_tree tree;
  tree.places.resize(sequences.size());
  std::vector<int64_t> path;  // place in tree.ids of each token of the last sequence
  const std::vector<int64_t> *last = nullptr;
  for (const size_t i : order) {
    const std::vector<int64_t> &ids = sequences[i];
    size_t shared = 0;
    if (last != nullptr)
      shared = static_cast<size_t>(
          std::mismatch(ids.begin(), ids.end(), last->begin(), last->end()).first - ids.begin());
    path.resize(shared);
    const auto begin = static_cast<int64_t>(tree.ids.size());
    for (size_t t = shared; t < ids.size(); ++t) {
      path.push_back(static_cast<int64_t>(tree.ids.size()));
      tree.ids.push_back(ids[t]);
    }
    const auto end = static_cast<int64_t>(tree.ids.size());
    if (end > begin) tree.nodes.push_back({static_cast<int64_t>(shared), begin, end});
    tree.places[i].assign(path.end() - kept[i], path.end());
    last = &ids;
  }
  return tree;
}

}  // namespace assay::engine
