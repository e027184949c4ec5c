// Runs tokens of many sequences through the decoder in pieces of a token budget, and continues with
// half of it when memory runs out. The caller lays out segments and their keys.
#pragma once

#include <cstdint>
#include <vector>

#include "model/decoder.hpp"

namespace assay::engine {

// Tokens of one forward pass where the caller gives no number: enough for the full speed of
// products, few enough for the caches.
int64_t default_batch_tokens(const model::decoder &decoder);

class packed_run {
 public:
  packed_run(const model::decoder &decoder, int64_t batch_tokens)
      : decoder_(decoder), limit_(batch_tokens) {}

  // ids of all segments, one after another. A segment may see keys of any earlier segment. Returns
  // the final-normed hidden states [tokens, hidden]. Throws what the forward pass throws, except
  // that running out of memory halves the budget as long as it is more than one token.
  at::Tensor run(const std::vector<int64_t> &ids,
                 const std::vector<model::attention_segment> &segments, model::kv_cache &cache);

  int64_t limit() const { return limit_; }  // tokens of a forward, as it is now
  int64_t n_halvings() const { return n_halvings_; }
  int64_t n_computed() const { return n_computed_; }  // tokens through the blocks so far

 private:
  const model::decoder &decoder_;
  int64_t limit_, n_halvings_ = 0, n_computed_ = 0;
};

// True if the exception in flight says that memory ran out, on any device.
bool out_of_memory(const std::exception &e);

}  // namespace assay::engine
