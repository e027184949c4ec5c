// Reads and writes safetensors: one file, or a folder with one file or an index of shards.
// Not a model: names and bytes only. Every check of the format's reference reader is made before
// memory is touched.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/tensor_source.hpp"
#include "core/json.hpp"

namespace assay::model {

// One *.safetensors file.
std::shared_ptr<const tensor_source> open_safetensors_file(const std::string &path);
// model.safetensors.index.json if present, else model.safetensors, of a folder.
std::shared_ptr<const tensor_source> open_safetensors_folder(const std::string &folder);

// Dtype names of the format. dtype_of: throws error(failed) for a name that torch cannot hold.
const char *safetensors_dtype_name(at::ScalarType dtype);

using named_tensors = std::vector<std::pair<std::string, at::Tensor>>;
// Byte-reproducible (formats.md 1.4): sorted by dtype descending then name, padded header,
// {"format":"pt"} always among the metadata. Temporary file, fsync, rename. Tensors may be on any
// device and of any strides.
void write_safetensors(const std::string &path, const named_tensors &tensors,
                       const std::vector<std::pair<std::string, std::string>> &metadata = {});
// Writes model.safetensors, or shards of at most shard_bytes with their index, into the folder.
void write_safetensors_folder(const std::string &folder, const named_tensors &tensors,
                              uint64_t shard_bytes = uint64_t{5} << 30);

}  // namespace assay::model
