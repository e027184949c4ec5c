// Maps a GGUF file (llama.cpp's model format) into memory and checks its metadata and its list of
// tensors (FORMATS.md, "GGUF container"). If the file is split, all parts are mapped.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/mapped_file.hpp"

namespace assay::model {

// One metadata value. Its strings are views of the mapped file, so they live as long as the file.
struct gguf_value {
  enum class kind { unsigned_int, signed_int, real, boolean, text, numbers, texts };
  kind what = kind::unsigned_int;
  bool is_float32 = false;  // stored as f32; d is then the shortest decimal that gives this f32
  uint64_t u = 0;
  int64_t i = 0;
  double d = 0;
  std::string_view text;
  std::vector<double> numbers;  // array of numbers or booleans; exact up to 2^53
  std::vector<std::string_view> texts;
};

struct gguf_tensor {
  std::string name;
  std::vector<int64_t> shape;  // torch order: the last dimension is contiguous
  int type = 0;                // ggml type id
  uint64_t begin = 0;          // bytes from the start of its part
  uint64_t n_bytes = 0;
  size_t part = 0;  // number of the part that holds it, from 0; 0 if the file is not split
};

class gguf_file {
 public:
  // Throws error(failed) that names the broken rule. For the first part of a split GGUF it also
  // opens all other parts in the same folder; if one is missing, the error names it. For a later
  // part it throws an error that names the first part.
  static std::shared_ptr<const gguf_file> open(const std::string &path);
  // Makes the same checks on bytes that are already in memory (fuzzing, tests), but opens no other
  // parts. The bytes must outlive the object.
  static std::shared_ptr<const gguf_file> parse(const uint8_t *bytes, uint64_t n_bytes,
                                                const std::string &where);

  const std::string &path() const { return where_; }
  const std::vector<gguf_tensor> &tensors() const { return tensors_; }
  const uint8_t *bytes_of(const gguf_tensor &tensor) const {
    return holder(tensor).bytes_ + tensor.begin;
  }
  // Frees the memory pages of a tensor; the next use reads them from the file again. Call it only
  // if nobody borrows the bytes of the tensor.
  void drop(const gguf_tensor &tensor) const {
    if (const auto &map = holder(tensor).map_) map->drop(tensor.begin, tensor.n_bytes);
  }
  // All bytes of the file, or of the first part if it is split. Borrowed from this object.
  std::string_view whole() const { return {reinterpret_cast<const char *>(bytes_), n_bytes_}; }

  const gguf_value *find(const std::string &key) const;  // null if absent
  // Returns, for each key that begins with `prefix`, the text after the prefix; sorted.
  std::vector<std::string> names_below(const std::string &prefix) const;
  // Each function reads a value of one type. Without a fallback it throws error(failed) if the key
  // is absent. All of them throw error(failed) if the value has another type.
  uint64_t number(const std::string &key) const;
  uint64_t number(const std::string &key, uint64_t fallback) const;
  double real(const std::string &key, double fallback) const;
  bool boolean(const std::string &key, bool fallback) const;
  std::string text(const std::string &key) const;
  std::string text(const std::string &key, const std::string &fallback) const;

 private:
  friend class gguf_parser;
  static std::shared_ptr<gguf_file> open_alone(const std::string &path);  // one file only
  void join_parts();  // opens the other parts, if there are any
  void take_part(std::shared_ptr<const gguf_file> other, uint64_t part);  // part from 1
  // The part that holds the tensor.
  const gguf_file &holder(const gguf_tensor &tensor) const {
    return tensor.part == 0 ? *this : *parts_[tensor.part - 1];
  }
  std::string where_;
  std::shared_ptr<const mapped_file> map_;
  const uint8_t *bytes_ = nullptr;
  uint64_t n_bytes_ = 0;
  std::map<std::string, gguf_value> values_;
  std::vector<gguf_tensor> tensors_;                     // of all parts
  std::vector<std::shared_ptr<const gguf_file>> parts_;  // the second and later ones
};

}  // namespace assay::model
