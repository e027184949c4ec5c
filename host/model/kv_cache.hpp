// Holds keys and values of past tokens: one contiguous slot for each sequence, whose lengths may
// differ. Admitting sequences and reusing slots is the work of engine/.
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

class kv_cache {
 public:
  // capacity: tokens of a slot. Memory: 2 * layers * slots * kv_heads * capacity * head_dim
  // elements, which the system provides when they are written.
  kv_cache(const decoder_config &config, int64_t n_slots, int64_t capacity,
           at::ScalarType dtype = at::kFloat, at::Device device = at::kCPU);

  int64_t n_layers() const { return static_cast<int64_t>(keys_.size()); }
  int64_t n_slots() const { return n_slots_; }
  int64_t capacity() const { return capacity_; }                                         // tokens
  int64_t length(int64_t slot) const { return lengths_.at(static_cast<size_t>(slot)); }  // tokens
  void set_length(int64_t slot, int64_t tokens);  // shorter = rewind; longer only after store()
  void clear();
  void copy_slot(int64_t from, int64_t to);  // the first length(from) tokens: prefix sharing

  // [slots, kv_heads, capacity, head_dim]
  at::Tensor &keys(int64_t layer) { return keys_.at(static_cast<size_t>(layer)); }
  at::Tensor &values(int64_t layer) { return values_.at(static_cast<size_t>(layer)); }

 private:
  int64_t n_slots_, capacity_;
  std::vector<int64_t> lengths_;
  std::vector<at::Tensor> keys_, values_;
};

}  // namespace assay::model
