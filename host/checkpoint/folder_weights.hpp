// Finds the files that hold a folder's weights: one file, or an index with its shards (the files of a model that is stored in several).
// A folder that has two sets of weights, or no weights in the format safetensors, is refused with a hint on what to do.
// safetensors.hpp reads the tensors.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace assay::model {

struct folder_weights {
  std::string path;      // of model.safetensors or of model.safetensors.index.json
  bool indexed = false;  // path is an index
};

// Throws error(failed) if the folder has no weights that can be read, or two sets of them. Two sets are ambiguous: transformers reads
// model.safetensors, vLLM reads the files that the index names.
folder_weights find_weights(const std::string &folder);

// Returns whether the folder has the weight files of a whole model, as safetensors or as PyTorch's older pickle. It looks at the
// names of the files only.
bool has_whole_weights(const std::string &folder);

// Returns the path of the alphabetically first GGUF file in the folder; "" if it has none.
std::string gguf_file_in(const std::string &folder);

// Reads the weight_map of an index: pairs of tensor name and file name, in the file's order. Throws error(failed) if the map is
// missing or has another form.
std::vector<std::pair<std::string, std::string>> read_weight_map(const std::string &index_path);

}  // namespace assay::model
