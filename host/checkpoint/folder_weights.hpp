// Which files of a folder are its weights: one file, or an index with its shards. Where a folder leaves a choice, or has
// weights of another kind, it is refused in words that say what to do.
// Not the tensors (model/safetensors).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace assay::model {

struct folder_weights {
  std::string path;      // of model.safetensors or of model.safetensors.index.json
  bool indexed = false;  // path is an index
};

// Throws error(failed) if there are none, or two sets of them: transformers takes
// model.safetensors, vLLM what the index names.
folder_weights find_weights(const std::string &folder);

// Whether the folder has the files of a whole model, in any format; their content is not looked at.
bool has_whole_weights(const std::string &folder);

// The first GGUF file of the folder, by name; "" if it has none.
std::string gguf_file_in(const std::string &folder);

// The weight_map of an index: tensor name and file name, in the file's order. Throws error(failed) if it has another form.
std::vector<std::pair<std::string, std::string>> read_weight_map(const std::string &index_path);

}  // namespace assay::model
