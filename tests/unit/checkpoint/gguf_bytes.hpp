// Builds small GGUF files piece by piece, for tests of their readers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

struct gguf_bytes {
  std::string values, tensors, data;
  uint64_t n_values = 0, n_tensors = 0;
  uint32_t version = 3;

  template <class T>
  static std::string raw(T value) {
    return std::string(reinterpret_cast<const char *>(&value), sizeof value);
  }
  static std::string text(const std::string &s) { return raw(uint64_t{s.size()}) + s; }

  gguf_bytes &add(const std::string &key, uint32_t type, const std::string &value) {
    values += text(key) + raw(type) + value;
    ++n_values;
    return *this;
  }
  gguf_bytes &add(const std::string &key, const std::string &value) {
    return add(key, 8, text(value));
  }
  gguf_bytes &add(const std::string &key, uint32_t value) { return add(key, 4, raw(value)); }
  gguf_bytes &add_texts(const std::string &key, const std::vector<std::string> &list) {
    std::string array = raw(uint32_t{8}) + raw(uint64_t{list.size()});
    for (const std::string &item : list) array += text(item);
    return add(key, 9, array);
  }
  gguf_bytes &add_ints(const std::string &key, const std::vector<int32_t> &list) {
    std::string array = raw(uint32_t{5}) + raw(uint64_t{list.size()});
    for (const int32_t item : list) array += raw(item);
    return add(key, 9, array);
  }
  gguf_bytes &tensor(const std::string &name, const std::vector<uint64_t> &extents, uint32_t type,
                     const std::string &bytes) {
    while (data.size() % 32 != 0) data += '\0';
    tensors += text(name) + raw(static_cast<uint32_t>(extents.size()));
    for (const uint64_t extent : extents) tensors += raw(extent);
    tensors += raw(type) + raw(uint64_t{data.size()});
    data += bytes;
    ++n_tensors;
    return *this;
  }
  std::string str() const {
    std::string out = "GGUF" + raw(version) + raw(n_tensors) + raw(n_values) + values + tensors;
    if (!data.empty())
      while (out.size() % 32 != 0) out += '\0';
    return out + data;
  }
};

inline std::string floats(std::initializer_list<float> values) {
  std::string out;
  for (const float v : values) out += gguf_bytes::raw(v);
  return out;
}

// A part of a Llama of one layer (hidden size 8, two heads of 4, one key head): the metadata, the embedding, and the weight of q.
inline gguf_bytes small_llama(const std::string &arch = "llama") {
  gguf_bytes g;
  g.add("general.architecture", arch)
      .add(arch + ".block_count", 1)
      .add(arch + ".context_length", 64);
  g.add(arch + ".embedding_length", 8)
      .add(arch + ".feed_forward_length", 8)
      .add(arch + ".attention.head_count", 2);
  g.add(arch + ".attention.head_count_kv", 1);
  g.add(arch + ".attention.layer_norm_rms_epsilon", 6, gguf_bytes::raw(1e-5f));
  g.add(arch + ".rope.freq_base", 6, gguf_bytes::raw(10000.0f));
  g.tensor("token_embd.weight", {8, 4}, 0, std::string(8 * 4 * 4, '\0'));
  std::string rows;  // row r of q is filled with r
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 8; ++c) rows += gguf_bytes::raw(static_cast<float>(r));
  g.tensor("blk.0.attn_q.weight", {8, 8}, 0, rows);
  return g;
}
