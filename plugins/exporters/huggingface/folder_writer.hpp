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

// What an exporter function reports to the host.
using assay_cpp::failure;

// A tensor of the file.
struct entry {
  std::string name;   // in the file
  std::string dtype;  // "F32", "I32", ...
  std::vector<int64_t> shape;
  std::string item;       // name of the host's item from which the bytes are made, unless ...
  std::string own_bytes;  // ... they are here, if has_own_bytes (small tensors)
  bool has_own_bytes = false;
  uint64_t n_bytes = 0;
};

const char *dtype_name(const assay_dtype &dtype);  // "F16"; throws failure if it has none
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

// Writes all entries, which must be in the order of the items. An entry that would exceed shard_bytes
// begins a new shard.
void write_tensors(const assay_export &job, const std::vector<entry> &entries, uint64_t shard_bytes,
                   const producer &make);

entry small_entry(std::string name, std::string dtype, std::vector<int64_t> shape,
                  std::string bytes);       // with own_bytes
entry float_entry(const assay_item &item);  // a float tensor as it is

// Files of the original model: their content; copies of all but `except`.
std::string file_text(const assay_export &job, const char *name);
void write_file(const assay_export &job, const char *name, std::string_view bytes);
void copy_files(const assay_export &job, std::string_view except);

}  // namespace hf
