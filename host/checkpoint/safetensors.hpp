// Reads and writes weights in the format safetensors: one file, or a folder with one file or with
// several (shards) and an index. All checks of FORMATS.md, "Safetensors header", are made before
// memory is used.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/tensor_source.hpp"
#include "core/json.hpp"

namespace assay::model {

// Opens one *.safetensors file. Throws error(failed) that names the broken rule.
std::shared_ptr<const tensor_source> open_safetensors_file(const std::string &path);
// Opens the weights of a folder, as find_weights chooses them (folder_weights.hpp).
std::shared_ptr<const tensor_source> open_safetensors_folder(const std::string &folder);

// Returns the format's name of a dtype, such as "BF16". Throws error(failed) for a dtype that the
// format does not have.
const char *safetensors_dtype_name(at::ScalarType dtype);

using named_tensors = std::vector<std::pair<std::string, at::Tensor>>;
// Writes one file; the same tensors give the same bytes (FORMATS.md, "Safetensors writer"). Tensors
// may be on any device and have any strides. The file's metadata are {"format": "pt"} and the pairs
// of `metadata`. The file gets its name only when it is complete. Throws error(failed) if two
// tensors have the same name, if a dtype cannot be stored, or if the file cannot be written.
void write_safetensors(const std::string &path, const named_tensors &tensors,
                       const std::vector<std::pair<std::string, std::string>> &metadata = {});
// Writes model.safetensors into the folder, or, if the tensors take more than shard_bytes, several
// shards and their index. A shard is larger than shard_bytes only if a single tensor is.
void write_safetensors_folder(const std::string &folder, const named_tensors &tensors,
                              uint64_t shard_bytes = uint64_t{5} << 30);

}  // namespace assay::model
