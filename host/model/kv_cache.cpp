// Makes the slots of keys and values, copies them, and keeps the length of each.
#include "model/kv_cache.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace assay::model {

kv_cache::kv_cache(const decoder_config &config, int64_t n_slots, int64_t capacity,
                   at::ScalarType dtype, at::Device device)
    : n_slots_(n_slots), capacity_(capacity), lengths_(static_cast<size_t>(n_slots), 0) {
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  for (int64_t i = 0; i < config.n_layers; ++i) {
    // Zeros, because attention multiplies the unused end of a slot by weight 0, and 0 * NaN is NaN.
    keys_.push_back(at::zeros({n_slots, config.n_kv_heads, capacity, config.head_dim}, options));
    values_.push_back(at::zeros_like(keys_.back()));
  }
}

void kv_cache::set_length(int64_t slot, int64_t tokens) {
  if (tokens < 0 || tokens > capacity_)
    throw error(error_kind::failed, "the KV cache holds " + std::to_string(capacity_) +
                                        " tokens per sequence, not " + std::to_string(tokens));
  lengths_.at(static_cast<size_t>(slot)) = tokens;
}

void kv_cache::clear() {
  std::fill(lengths_.begin(), lengths_.end(), 0);
}

void kv_cache::copy_slot(int64_t from, int64_t to) {
  const int64_t n = length(from);
  if (from == to) return;
  for (size_t i = 0; i < keys_.size(); ++i)
    for (at::Tensor *store : {&keys_[i], &values_[i]})
      store->select(0, to).narrow(1, 0, n).copy_(store->select(0, from).narrow(1, 0, n));
  set_length(to, n);
}

}  // namespace assay::model
