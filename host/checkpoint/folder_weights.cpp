// Finds the weight files of a folder by their names and by the content of the index; no tensor is read.
#include "checkpoint/folder_weights.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr const char *k_single = "model.safetensors";
constexpr const char *k_index = "model.safetensors.index.json";
constexpr const char *k_pickles[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};

bool is_shard(const std::string &name) {
  return name.find("-of-") != std::string::npos;
}

// Returns the alphabetically first file name for which `matches` is true; "" if there is none.
template <class F>
std::string first_file(const std::string &folder, F matches) {
  std::string first;
  std::error_code code;
  for (const auto &entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (matches(name) && (first.empty() || name < first)) first = name;
  }
  return first;
}

[[noreturn]] void refuse(const std::string &folder, const std::string &what,
                         const std::string &hint) {
  throw error(error_kind::failed, what).at(folder).hint(hint);
}

// Returns those files of the index that are not in the folder.
std::vector<std::string> missing_shards(const std::string &folder,
                                        const std::set<std::string> &shards) {
  std::vector<std::string> missing;
  for (const std::string &shard : shards)
    if (!fs::exists(fs::path(folder) / shard)) missing.push_back(shard);
  return missing;
}

[[noreturn]] void refuse_two_sets(const std::string &folder, const std::set<std::string> &shards) {
  const std::vector<std::string> missing = missing_shards(folder, shards);
  if (missing.size() == shards.size())
    refuse(folder,
           "model.safetensors lies beside model.safetensors.index.json, whose shards are not here",
           "If model.safetensors is the whole model, remove model.safetensors.index.json; else get "
           "the shards and remove model.safetensors");
  refuse(folder,
         "the folder has two sets of weights: model.safetensors, and the shards that "
         "model.safetensors.index.json names",
         "transformers reads the single file and vLLM the index: remove model.safetensors or "
         "model.safetensors.index.json, whichever is the old one");
}

// Refuses a folder without readable weights, and says what the folder has in their place.
[[noreturn]] void refuse_without_weights(const std::string &folder) {
  const std::string pickle = first_file(folder, [](const std::string &name) {
    return name.starts_with("pytorch_model") && name.ends_with(".bin");
  });
  if (!pickle.empty())
    refuse(folder, "the weights are " + pickle + ", a pickle, which is not read",
           "Load the folder with transformers and save it: save_pretrained writes safetensors");
  const std::string adapter = first_file(
      folder, [](const std::string &name) { return name.starts_with("adapter_model."); });
  if (!adapter.empty())
    refuse(folder, "the folder has " + adapter + " and no adapter_config.json",
           "Copy the adapter_config.json that PEFT wrote beside it");
  if (const std::string gguf = gguf_file_in(folder); !gguf.empty())
    refuse(folder, "the folder has config.json and no safetensors, but GGUF files",
           "Give the file itself: " + gguf);
  const std::string shard = first_file(folder, [](const std::string &name) {
    return name.ends_with(".safetensors") && is_shard(name);
  });
  if (!shard.empty())
    refuse(folder, "the folder has the shard " + shard + " and no model.safetensors.index.json",
           "The download is not complete: get the index too");
  if (fs::exists(fs::path(folder) / "consolidated.safetensors"))
    refuse(folder,
           "the folder has consolidated.safetensors alone, whose tensors have Mistral's own names",
           "Get model.safetensors, or the shards and their index, from the same repository");
  refuse(folder, "the folder has neither model.safetensors nor model.safetensors.index.json",
         "Only safetensors and GGUF weights are read");
}

}  // namespace

std::string gguf_file_in(const std::string &folder) {
  const std::string name =
      first_file(folder, [](const std::string &file) { return file.ends_with(".gguf"); });
  return name.empty() ? "" : (fs::path(folder) / name).string();
}

std::vector<std::pair<std::string, std::string>> read_weight_map(const std::string &index_path) {
  const json index = read_regular_json(index_path);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    throw error(error_kind::failed, "the index has no weight_map").at(index_path);
  std::vector<std::pair<std::string, std::string>> map;
  for (const auto &[name, value] : index["weight_map"].items()) {
    if (!value.is_string())
      throw error(error_kind::failed, "the shard of '" + name + "' is not a file name")
          .at(index_path);
    map.emplace_back(name, value.get<std::string>());
  }
  return map;
}

folder_weights find_weights(const std::string &folder) {
  const std::string single = (fs::path(folder) / k_single).string(),
                    index = (fs::path(folder) / k_index).string();
  const bool has_single = is_there(single), has_index = is_there(index);
  if (!has_single && !has_index) refuse_without_weights(folder);
  if (has_single && has_index) {
    std::set<std::string> shards;
    for (const auto &[name, file] : read_weight_map(index)) shards.insert(file);
    if (!shards.contains(k_single)) refuse_two_sets(folder, shards);
  }
  return has_index ? folder_weights{index, true} : folder_weights{single, false};
}

bool has_whole_weights(const std::string &folder) {
  const auto has = [&](const char *name) { return fs::exists(fs::path(folder) / name); };
  return has(k_single) || has(k_index) ||
         std::any_of(std::begin(k_pickles), std::end(k_pickles), has);
}

}  // namespace assay::model
