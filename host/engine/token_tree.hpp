// Arranges token sequences as one tree, so that a prefix which several share is computed once: a
// few-shot header, a passage, a question before its choices. score.cpp runs it.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::engine {

// A run of tokens in depth-first order: it follows the first `position` tokens of the path that
// earlier nodes left, and replaces the rest.
struct tree_node {
  int64_t position;    // tokens before the node in its sequence
  int64_t begin, end;  // of token_tree::ids
};

struct token_tree {
  std::vector<int64_t> ids;  // every distinct token once
  std::vector<tree_node> nodes;
  // For sequence i, the places in `ids` of its last `kept[i]` tokens, in order.
  std::vector<std::vector<int64_t>> places;
};

// kept[i] <= sequences[i].size(): for how many of its last tokens the caller needs the places.
token_tree build_token_tree(const std::vector<std::vector<int64_t>> &sequences,
                            const std::vector<int64_t> &kept);

}  // namespace assay::engine
