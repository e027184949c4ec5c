// Runs tokens of many sequences through the decoder in pieces of at most `limit` tokens. If memory
// runs out, it continues with smaller pieces. The caller decides where segments (runs of tokens of
// one sequence) and their keys lie.
#pragma once

#include <cstdint>
#include <vector>

#include "model/decoder.hpp"

namespace assay::engine {

// Returns the default for the most tokens of one forward pass: enough for the full speed of matrix
// products, few enough for the processor's caches.
int64_t default_batch_tokens(const model::decoder &decoder);

class packed_run {
 public:
  packed_run(const model::decoder &decoder, int64_t batch_tokens)
      : decoder_(decoder), limit_(batch_tokens) {}

  // ids: the tokens of all segments, one after another. A segment may see keys of any earlier
  // segment. Returns the hidden states after the final norm, [tokens, hidden]. If a piece runs out
  // of memory, limit() becomes half of its tokens and the piece's tokens run again in smaller
  // pieces. Throws if a piece of one token runs out of memory, and on any error of another kind.
  at::Tensor run(const std::vector<int64_t> &ids,
                 const std::vector<model::attention_segment> &segments, model::kv_cache &cache);

  int64_t limit() const { return limit_; }  // most tokens of a piece, as it is now
  int64_t n_halvings() const { return n_halvings_; }
  int64_t n_computed() const { return n_computed_; }  // tokens that the model has run so far

 private:
  const model::decoder &decoder_;
  int64_t limit_, n_halvings_ = 0, n_computed_ = 0;
};

// Returns whether an exception says that memory ran out, on any device.
bool out_of_memory(const std::exception &e);

}  // namespace assay::engine
