// A GGUF container, mapped: metadata and tensor directory, checked. formats.md 4.9.
// Not the block formats (gguf_blocks), not a checkpoint (gguf_checkpoint).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/mapped_file.hpp"

namespace assay::model {

// One metadata value. Strings borrow the map.
struct gguf_value {
  enum class kind { unsigned_int, signed_int, real, boolean, text, numbers, texts };
  kind what = kind::unsigned_int;
  bool is_float32 = false;  // a real stored as f32: its shortest decimal is what the author wrote
  uint64_t u = 0;
  int64_t i = 0;
  double d = 0;
  std::string_view text;
  std::vector<double> numbers;  // any numeric array; exact up to 2^53
  std::vector<std::string_view> texts;
};

struct gguf_tensor {
  std::string name;
  std::vector<int64_t> shape;  // torch order: the last dimension is contiguous
  int type = 0;                // ggml type id
  uint64_t begin = 0;          // bytes from the start of the file
  uint64_t n_bytes = 0;
};

class gguf_file {
 public:
  // Throws error(failed) naming the rule that is broken.
  static std::shared_ptr<const gguf_file> open(const std::string &path);
  // The same checks on bytes that are already in memory (fuzzing, tests); they must outlive the
  // object.
  static std::shared_ptr<const gguf_file> parse(const uint8_t *bytes, uint64_t n_bytes,
                                                const std::string &where);

  const std::string &path() const { return where_; }
  const std::vector<gguf_tensor> &tensors() const { return tensors_; }
  const uint8_t *bytes_of(const gguf_tensor &tensor) const {
    return bytes_ + tensor.begin;
  }                                             // borrow
  void drop(const gguf_tensor &tensor) const {  // gives the pages back; nobody may borrow them
    if (map_) map_->drop(tensor.begin, tensor.n_bytes);
  }
  std::string_view whole() const { return {reinterpret_cast<const char *>(bytes_), n_bytes_}; }

  const gguf_value *find(const std::string &key) const;  // null if absent
  // Typed access. The one-argument forms throw error(failed) when the key is absent; all throw
  // when the type is another.
  uint64_t number(const std::string &key) const;
  uint64_t number(const std::string &key, uint64_t fallback) const;
  double real(const std::string &key, double fallback) const;
  bool boolean(const std::string &key, bool fallback) const;
  std::string text(const std::string &key) const;
  std::string text(const std::string &key, const std::string &fallback) const;

 private:
  friend class gguf_parser;
  std::string where_;
  std::shared_ptr<const mapped_file> map_;
  const uint8_t *bytes_ = nullptr;
  uint64_t n_bytes_ = 0;
  std::map<std::string, gguf_value> values_;
  std::vector<gguf_tensor> tensors_;
};

}  // namespace assay::model
