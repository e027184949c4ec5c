// Holds the keys and values of past tokens, so that they are not computed again. Each sequence has
// a contiguous slot; lengths may differ. engine/ decides which sequence uses which slot.
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

class kv_cache {
 public:
  // capacity: tokens of a slot. Memory: 2 * layers * slots * kv_heads * capacity * head_dim
  // elements, all of which are set to zero here.
  kv_cache(const decoder_config &config, int64_t n_slots, int64_t capacity,
           at::ScalarType dtype = at::kFloat, at::Device device = at::kCPU);

  int64_t n_layers() const { return static_cast<int64_t>(keys_.size()); }
  int64_t n_slots() const { return n_slots_; }
  int64_t capacity() const { return capacity_; }                                         // tokens
  int64_t length(int64_t slot) const { return lengths_.at(static_cast<size_t>(slot)); }  // tokens
  // A shorter length forgets the last tokens. Set a longer one only after the keys and values of
  // the new tokens are written. Throws error(failed) beyond the capacity.
  void set_length(int64_t slot, int64_t tokens);
  void clear();  // sets all lengths to 0
  // Copies all tokens of slot `from`, so that another sequence can continue the same prefix.
  void copy_slot(int64_t from, int64_t to);

  // [slots, kv_heads, capacity, head_dim]
  at::Tensor &keys(int64_t layer) { return keys_.at(static_cast<size_t>(layer)); }
  at::Tensor &values(int64_t layer) { return values_.at(static_cast<size_t>(layer)); }

 private:
  int64_t n_slots_, capacity_;
  std::vector<int64_t> lengths_;
  std::vector<at::Tensor> keys_, values_;
};

}  // namespace assay::model
