// Where named tensors come from: a safetensors file or folder, a GGUF file, a quantized form that
// is dequantized on request. Not a state dict: nothing is read before tensor() asks for it.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "aten.hpp"

namespace assay::model {

struct tensor_info {
  std::string name;
  at::ScalarType dtype = at::kFloat;  // of what tensor() returns
  std::vector<int64_t> shape;
  std::string stored;  // name of the stored form: "F32", "BF16", "Q4_1", "pack-quantized", ...
  uint64_t stored_bytes = 0;  // bytes it takes in the file

  int64_t numel() const;
};

class tensor_source {
 public:
  virtual ~tensor_source() = default;
  virtual const std::vector<tensor_info> &tensors() const = 0;  // in file order
  // A borrow of the mapped file where the bytes can be used as they lie (the tensor keeps the map
  // alive), else a new tensor. Throws error(failed) if there is no tensor of this name.
  virtual at::Tensor tensor(const std::string &name) const = 0;

  // The same as a tensor of `dtype` of one's own or borrowed; the file's pages are given back
  // after a conversion, so that loading a checkpoint takes no more memory than the weights.
  virtual at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const {
    return tensor(name).to(dtype);
  }

  // Rows `ids` [n] int64 of a table [rows, width] -> [n, width], a tensor of one's own; the pages
  // that they lie in are given back. For tables too large to hold: an embedding, some hundred ids at
  // a time.
  virtual at::Tensor rows(const std::string &name, const at::Tensor &ids) const {
    at::Tensor found = tensor(name).index_select(0, ids);
    give_back(name);
    return found;
  }

  // Takes a tensor's pages out of this process's memory where they are the file's and nobody
  // borrows them; they come back when the tensor is asked for again.
  virtual void give_back(const std::string &) const {}

  const tensor_info *find(const std::string &name) const;  // borrow; null if absent
  bool has(const std::string &name) const { return find(name) != nullptr; }

 private:
  mutable std::once_flag once_;
  mutable std::vector<uint32_t> sorted_;  // index by name, made on the first look-up
};

}  // namespace assay::model
