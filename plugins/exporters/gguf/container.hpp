// The container of a GGUF file: metadata, the list of tensors, and the padding between them
// (ggml-org/ggml, docs/gguf.md). It does not know what keys and tensors mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "blocks.hpp"

namespace gguf {

constexpr uint64_t k_alignment = 32;  // bytes; the value of files without general.alignment

inline uint64_t padding_after(uint64_t n_bytes) {
  return (k_alignment - n_bytes % k_alignment) % k_alignment;
}

// Collects keys and values as they stand in the file, in the order of the calls.
class metadata {
 public:
  void put_u32(std::string_view key, uint64_t value);  // throws failure above 2^32 - 1
  void put_f32(std::string_view key, double value);  // throws failure for a value that f32 changes
  void put_bool(std::string_view key, bool value);
  void put_text(std::string_view key, std::string_view value);
  void put_texts(std::string_view key, const std::vector<std::string> &values);
  void put_i32s(std::string_view key, const std::vector<int32_t> &values);
  void put_f32s(std::string_view key, const std::vector<float> &values);

  uint64_t count() const { return count_; }
  const std::string &bytes() const { return bytes_; }

 private:
  void begin(std::string_view key, uint32_t type);
  void begin_array(std::string_view key, uint32_t type, uint64_t n);
  std::string bytes_;
  uint64_t count_ = 0;
};

// A tensor of the file.
struct entry {
  std::string name;  // in the file
  const tensor_type *type = &k_f32;
  const tensor_type *label = &k_f32;  // the type that was asked for; it names the file's type
  std::vector<int64_t> shape;         // the last dimension is contiguous
  uint64_t n_bytes = 0;
  int64_t heads = 0;      // of q or k whose rows row_in_file reorders; 0 = none
  float shift = 0;        // is added to each number of the item
  std::string item;       // name of the host's item from which the bytes are made
  std::string own_bytes;  // the bytes themselves, if there is no item
};

uint64_t bytes_of(const entry &e);  // from type and shape

// The bytes before the data of the first tensor. Throws failure for a name that is too long.
std::string header(const metadata &keys, const std::vector<entry> &entries);

}  // namespace gguf
