// Writes a Hugging Face folder: model.safetensors, or several shards (files of limited size) with their
// index, and copies of the original model's files. It does not know what the tensors mean.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay.hpp"

namespace hf {

// The exception with which an exporter function tells the host what went wrong.
using assay_cpp::failure;

// A tensor of the file.
struct entry {
  std::string name;   // in the file
  std::string dtype;  // "F32", "I32", ...
  std::vector<int64_t> shape;
  std::string item;            // name of the host's item from which the bytes are made
  std::string own_bytes;       // for small tensors: the bytes themselves
  bool has_own_bytes = false;  // the bytes are own_bytes, and `item` is not used
  uint64_t n_bytes = 0;
};

const char *dtype_name(const assay_dtype &dtype);  // "F16"; throws failure if there is none
uint64_t tensor_bytes(const assay_tensor &tensor);
const uint8_t *tensor_data(const assay_tensor &tensor);

// Calls see(item) for every item, in the host's order. An item is a tensor of the model, or the form of
// a quantized linear: its codes, scales and zero points.
void for_each_item(const assay_export &job, const std::function<void(const assay_item &)> &see);

struct byte_view {
  const void *data;
  uint64_t n_bytes;
};
// Returns the bytes of an entry that has no own_bytes. It may make them in `buffer`.
using producer =
    std::function<byte_view(const entry &, const assay_item &, std::vector<uint8_t> &buffer)>;

// Writes all entries, which must be in the order of the items. An entry that would make a shard larger
// than shard_bytes begins a new shard.
void write_tensors(const assay_export &job, const std::vector<entry> &entries, uint64_t shard_bytes,
                   const producer &make);

entry small_entry(std::string name, std::string dtype, std::vector<int64_t> shape,
                  std::string bytes);       // with own_bytes
entry float_entry(const assay_item &item);  // a float tensor as it is

// Returns the content of a file of the original model.
std::string file_text(const assay_export &job, const char *name);
// Writes a whole file into the new folder.
void write_file(const assay_export &job, const char *name, std::string_view bytes);
// Copies all files of the original model but `except` into the new folder.
void copy_files(const assay_export &job, std::string_view except);

}  // namespace hf
