// Writes a Hugging Face folder: model.safetensors, or shards with their index, and the subject's
// files verbatim. It knows the container, and not what the tensors mean.
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

struct entry {
  std::string name;   // tensor's name in the file
  std::string dtype;  // "F32", "I32", ...
  std::vector<int64_t> shape;
  std::string item;       // the item its bytes are made from ...
  std::string own_bytes;  // ... unless they are here (small tensors)
  bool has_own_bytes = false;
  uint64_t n_bytes = 0;
};

const char *dtype_name(const assay_dtype &dtype);  // static; throws failure for one without a name
uint64_t tensor_bytes(const assay_tensor &tensor);
const uint8_t *tensor_data(const assay_tensor &tensor);

// Calls see(item) for every item, in the host's order.
void for_each_item(const assay_export &job, const std::function<void(const assay_item &)> &see);

struct byte_view {
  const void *data;
  uint64_t n_bytes;
};
// The bytes of an entry that has none of its own; `buffer` is at hand for what must be made.
using producer =
    std::function<byte_view(const entry &, const assay_item &, std::vector<uint8_t> &buffer)>;

// Entries in the order of the items; a shard holds as many as fit in shard_bytes.
void write_tensors(const assay_export &job, const std::vector<entry> &entries, uint64_t shard_bytes,
                   const producer &make);

entry small_entry(std::string name, std::string dtype, std::vector<int64_t> shape,
                  std::string bytes);       // with bytes of its own
entry float_entry(const assay_item &item);  // an untouched tensor

std::string file_text(const assay_export &job, const char *name);
void write_file(const assay_export &job, const char *name, std::string_view bytes);
void copy_files(const assay_export &job, std::string_view except);  // all but one

}  // namespace hf
