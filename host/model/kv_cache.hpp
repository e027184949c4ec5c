// Holds the keys and values of past tokens, so that they are not computed again. Each sequence has
// a contiguous slot; lengths may differ. engine/ decides which sequence uses which slot. Keys and values are
// floats, or codes of 2 to 8 bits with a scale for each token and head.
#pragma once

#include <cstdint>
#include <vector>

#include "aten.hpp"
#include "kernels/attention.hpp"
#include "model/decoder_config.hpp"

namespace assay::model {

// How a cache stores keys and values as codes.
struct kv_coding {
  row_code key = {}, value = {};  // bits 0 = as floats
  // The fixed scales of each layer, [kv_heads] or [1] fp32, for static schemes; empty = scales come from the tokens.
  std::vector<at::Tensor> key_scales = {}, value_scales = {};
};

class kv_cache {
 public:
  // capacity: tokens of a slot. Memory: 2 * layers * slots * kv_heads * capacity * head_dim
  // elements, all of which are set to zero here. A cache with codes (coding.key.bits > 0) lies on the CPU.
  kv_cache(const decoder_config &config, int64_t n_slots, int64_t capacity,
           at::ScalarType dtype = at::kFloat, at::Device device = at::kCPU,
           const kv_coding &coding = {});

  int64_t n_layers() const { return n_layers_; }
  int64_t n_slots() const { return n_slots_; }
  int64_t capacity() const { return capacity_; }                                         // tokens
  int64_t length(int64_t slot) const { return lengths_.at(static_cast<size_t>(slot)); }  // tokens
  // A shorter length forgets the last tokens. Set a longer one only after the keys and values of
  // the new tokens are written. Throws error(failed) beyond the capacity.
  void set_length(int64_t slot, int64_t tokens);
  void clear();  // sets all lengths to 0
  // Copies all tokens of slot `from`, so that another sequence can continue the same prefix.
  void copy_slot(int64_t from, int64_t to);
  // Moves the n tokens at `from` to `to` in every slot. Both ranges may overlap.
  void move_tokens(int64_t from, int64_t to, int64_t n);

  bool has_codes() const { return !key_codes_.empty(); }
  int64_t bytes();  // of all slots
  // Rounds the keys (or values) of n consecutive tokens of one head and stores them in the slot from token `first` on. rows: of
  // head_dim fp32 numbers, `stride` floats apart. Only with codes.
  void encode(coded_store &store, int64_t slot, int64_t head, int64_t first, const float *rows,
              int64_t stride, int64_t n) const;
  coded_store &key_codes(int64_t layer) { return key_codes_.at(static_cast<size_t>(layer)); }
  coded_store &value_codes(int64_t layer) { return value_codes_.at(static_cast<size_t>(layer)); }

  // [slots, kv_heads, capacity, head_dim]; only without codes
  at::Tensor &keys(int64_t layer) { return keys_.at(static_cast<size_t>(layer)); }
  at::Tensor &values(int64_t layer) { return values_.at(static_cast<size_t>(layer)); }

 private:
  std::vector<at::Tensor *> parts();  // all tensors of the cache; tokens are their third dimension
  int64_t n_layers_, n_slots_, capacity_, head_dim_;
  std::vector<int64_t> lengths_;
  std::vector<at::Tensor> keys_, values_;             // without codes
  std::vector<coded_store> key_codes_, value_codes_;  // with codes
};

}  // namespace assay::model
