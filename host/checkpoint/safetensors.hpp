// Reads and writes safetensors: one file, or a folder with one file or an index of shards. All
// checks of FORMATS.md, "Safetensors header", are made before memory is used.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/tensor_source.hpp"
#include "core/json.hpp"

namespace assay::model {

// Opens one *.safetensors file.
std::shared_ptr<const tensor_source> open_safetensors_file(const std::string &path);
// Opens the weights of a folder, as find_weights chooses them (folder_weights.hpp).
std::shared_ptr<const tensor_source> open_safetensors_folder(const std::string &folder);

// Names of dtypes in the format. dtype_of throws error(failed) for a name that torch does not have.
const char *safetensors_dtype_name(at::ScalarType dtype);

using named_tensors = std::vector<std::pair<std::string, at::Tensor>>;
// Writes the same bytes for the same tensors (FORMATS.md, "Safetensors writer"): sorted by dtype,
// then name, with a padded header and {"format":"pt"} in the metadata. It writes a temporary file,
// calls fsync and renames. Tensors may be on any device and have any strides.
void write_safetensors(const std::string &path, const named_tensors &tensors,
                       const std::vector<std::pair<std::string, std::string>> &metadata = {});
// Writes model.safetensors, or shards of at most shard_bytes with their index, into the folder.
void write_safetensors_folder(const std::string &folder, const named_tensors &tensors,
                              uint64_t shard_bytes = uint64_t{5} << 30);

}  // namespace assay::model
