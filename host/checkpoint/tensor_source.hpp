// Gives tensors by name, from a safetensors file or folder, a GGUF file, or a quantized checkpoint
// that is dequantized on request. The list of names and shapes is there at once; values are read
// only when a caller asks for a tensor.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "aten.hpp"

namespace assay::model {

struct ggml_format;  // gguf/gguf_blocks.hpp

struct tensor_info {
  std::string name;
  at::ScalarType dtype = at::kFloat;  // dtype of the tensor that tensor() returns
  std::vector<int64_t> shape;
  std::string stored;  // name of the stored form: "F32", "BF16", "Q4_1", "pack-quantized", ...
  uint64_t stored_bytes = 0;  // bytes it takes in the file

  int64_t numel() const;
};

// A matrix of a GGUF file as it is stored: blocks of codes with their scales. A format of plain
// floats has blocks of one number.
struct stored_blocks {
  const ggml_format *format = nullptr;  // never freed; null = the source has no such blocks
  const uint8_t *bytes = nullptr;       // borrowed from the source
  int64_t rows = 0, columns = 0;
  // The number of heads, if the file has the rows of each head in another order (q and k of the
  // architecture llama); else 0. row_in_file gives the place of a row in the file.
  int64_t heads = 0;
  int64_t row_in_file(int64_t row) const;
};

class tensor_source {
 public:
  virtual ~tensor_source() = default;
  virtual const std::vector<tensor_info> &tensors() const = 0;  // in file order
  // Returns a view of the mapped file if its bytes can be used unchanged, else a new tensor. A view
  // keeps the map alive. Throws error(failed) if there is no tensor of this name.
  virtual at::Tensor tensor(const std::string &name) const = 0;

  // Returns the tensor converted to `dtype`. After a conversion a source may free the file's memory
  // pages (give_back), so that loading a checkpoint takes no more memory than its weights.
  virtual at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const {
    return tensor(name).to(dtype);
  }

  // Copies the rows `ids` [n] int64 of a matrix [rows, width] into a new tensor [n, width], and
  // gives the matrix's pages back. Use it for a matrix that is too large to hold in memory, such as
  // an embedding. Pages are freed only at the end of a call, so pass some hundred ids at a time.
  virtual at::Tensor rows(const std::string &name, const at::Tensor &ids) const {
    at::Tensor found = tensor(name).index_select(0, ids);
    give_back(name);
    return found;
  }

  // Returns a matrix as its stored blocks; format is null if the source does not store it in blocks.
  virtual stored_blocks blocks(const std::string &) const { return {}; }

  // Frees the memory pages of a tensor if they belong to the mapped file and no tensor borrows
  // them. The next use reads them from the file again.
  virtual void give_back(const std::string &) const {}

  const tensor_info *find(const std::string &name) const;  // borrowed; null if absent
  bool has(const std::string &name) const { return find(name) != nullptr; }

 private:
  mutable std::once_flag once_;
  mutable std::vector<uint32_t> sorted_;  // positions in tensors(), by name; made on first find()
};

// Returns whether two tensors of `source` have the same shape and the same numbers; their dtypes
// may differ. Gives the pages of both back.
bool same_values(const tensor_source &source, const std::string &one, const std::string &other);

}  // namespace assay::model
