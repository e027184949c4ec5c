// Makes the slots of keys and values, copies them, and keeps the length of each.
#include "model/kv_cache.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace assay::model {

kv_cache::kv_cache(const decoder_config &config, int64_t n_slots, int64_t capacity,
                   at::ScalarType dtype, at::Device device, const kv_coding &coding)
    : n_layers_(config.n_layers),
      n_slots_(n_slots),
      capacity_(capacity),
      head_dim_(config.head_dim),
      lengths_(static_cast<size_t>(n_slots), 0) {
  if (coding.key.bits > 0) {
    const auto make = [&](const row_code &code, const std::vector<at::Tensor> &scales, size_t i) {
      const std::vector<int64_t> rows = {n_slots, config.n_kv_heads, capacity};
      return coded_store{
          code,
          at::zeros({n_slots, config.n_kv_heads, capacity, code.bytes(config.head_dim)}, at::kByte),
          at::zeros(rows, at::kFloat), at::zeros(rows, at::kByte),
          scales.empty() ? at::Tensor() : scales.at(i).contiguous()};
    };
    for (size_t i = 0; i < static_cast<size_t>(config.n_layers); ++i) {
      key_codes_.push_back(make(coding.key, coding.key_scales, i));
      value_codes_.push_back(make(coding.value, coding.value_scales, i));
    }
    return;
  }
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

std::vector<at::Tensor *> kv_cache::parts() {
  std::vector<at::Tensor *> out;
  for (auto *stores : {&keys_, &values_})
    for (at::Tensor &store : *stores) out.push_back(&store);
  for (auto *stores : {&key_codes_, &value_codes_})
    for (coded_store &store : *stores)
      for (at::Tensor *part : {&store.codes, &store.scales, &store.zeros}) out.push_back(part);
  return out;
}

int64_t kv_cache::bytes() {
  size_t total = 0;
  for (const at::Tensor *part : parts()) total += part->nbytes();
  return static_cast<int64_t>(total);
}

void kv_cache::encode(coded_store &store, int64_t slot, int64_t head, int64_t first,
                      const float *rows, int64_t stride, int64_t n) const {
  const int64_t bytes = store.codes.size(3),
                row = (slot * store.scales.size(1) + head) * capacity_ + first;
  uint8_t *codes = store.codes.mutable_data_ptr<uint8_t>(),
          *zeros = store.zeros.mutable_data_ptr<uint8_t>();
  float *scales = store.scales.mutable_data_ptr<float>();
  const float *fixed = nullptr;
  if (store.fixed.defined())
    fixed = store.fixed.const_data_ptr<float>() + (store.fixed.numel() == 1 ? 0 : head);
  for (int64_t t = row; t < row + n; ++t, rows += stride)
    encode_row(store.form, rows, head_dim_, fixed, codes + t * bytes, scales + t, zeros + t);
}

void kv_cache::copy_slot(int64_t from, int64_t to) {
  const int64_t n = length(from);
  if (from == to) return;
  for (at::Tensor *part : parts())
    part->select(0, to).narrow(1, 0, n).copy_(part->select(0, from).narrow(1, 0, n));
  set_length(to, n);
}

void kv_cache::move_tokens(int64_t from, int64_t to, int64_t n) {
  for (at::Tensor *part : parts()) part->narrow(2, to, n).copy_(part->narrow(2, from, n).clone());
}

}  // namespace assay::model
