// Arranges token sequences as one tree, so that a prefix of several sequences is computed once:
// few-shot examples, a passage, or a question before its choices. score.cpp runs the tree.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::engine {

// The tokens that a sequence does not share with the sequences before it. Nodes are in depth-first order: a
// node keeps the first `position` tokens of the path that the nodes before it made, and replaces the rest. For
// example, "a b c" and "a b d" give a node at 0 with a, b, c and a node at 2 with d.
struct tree_node {
  int64_t position;    // tokens before the node in its sequence
  int64_t begin, end;  // its tokens are token_tree::ids[begin .. end - 1]
};

struct token_tree {
  std::vector<int64_t> ids;  // the tokens of all nodes; a shared prefix is here once
  std::vector<tree_node> nodes;
  // places[i]: where in `ids` the last kept[i] tokens of sequence i are, in order.
  std::vector<std::vector<int64_t>> places;
};

// kept[i]: the number of tokens at the end of sequence i whose places the caller needs; at most all.
token_tree build_token_tree(const std::vector<std::vector<int64_t>> &sequences,
                            const std::vector<int64_t> &kept);

}  // namespace assay::engine
