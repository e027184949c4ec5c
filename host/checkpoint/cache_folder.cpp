// Recognizes a folder of the hub's cache by its subfolders, and finds the snapshot to use.
#include "checkpoint/cache_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr const char *k_incomplete = "The download is not complete: get the model again";
constexpr uint64_t k_longest_ref = 4096;  // bytes of refs/main, which holds one revision

std::vector<std::string> folders_in(const fs::path &folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto &entry : fs::directory_iterator(folder, code))
    if (entry.is_directory(code)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string listed(const std::vector<std::string> &names) {
  std::string list;
  for (const std::string &name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

bool holds_model(const fs::path &folder) {
  return fs::exists(folder / "config.json") || fs::exists(folder / "adapter_config.json");
}

// Returns the revision that the branch "main" had at the download; "" if the cache has no refs/main.
std::string main_revision(const fs::path &repository) {
  const std::string file = (repository / "refs" / "main").string();
  if (!is_there(file)) return "";
  std::string text = read_regular_file(file, k_longest_ref);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string snapshot_in(const fs::path &repository) {
  const fs::path snapshots = repository / "snapshots";
  const std::string main = main_revision(repository);
  if (!main.empty() && fs::is_directory(snapshots / main)) return (snapshots / main).string();
  if (!main.empty())
    throw error(error_kind::failed,
                "refs/main names the snapshot '" + main + "', which is not here")
        .at(repository.string())
        .hint(k_incomplete);
  const std::vector<std::string> all = folders_in(snapshots);
  if (all.size() == 1) return (snapshots / all[0]).string();
  if (all.empty())
    throw error(error_kind::failed, "the cache folder holds no snapshot")
        .at(repository.string())
        .hint(k_incomplete);
  throw error(error_kind::failed, "the cache folder holds several snapshots")
      .at(repository.string())
      .hint("Name one of " + listed(all) + " below its snapshots folder");
}

void refuse_cache_root(const fs::path &folder) {
  std::vector<std::string> models = folders_in(folder);
  std::erase_if(models, [](const std::string &name) { return !name.starts_with("models--"); });
  if (models.empty()) return;
  throw error(error_kind::failed, "the folder is a cache of several models")
      .at(folder.string())
      .hint("Name one of " + listed(models));
}

}  // namespace

std::string snapshot_of(const std::string &path) {
  fs::path folder = fs::path(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (!fs::is_directory(folder) || holds_model(folder)) return path;
  if (folder.filename() == "snapshots" &&
      (fs::exists(folder.parent_path() / "refs") || fs::exists(folder.parent_path() / "blobs")))
    return snapshot_in(folder.parent_path());
  if (fs::is_directory(folder / "snapshots")) return snapshot_in(folder);
  refuse_cache_root(folder);
  return path;
}

}  // namespace assay::model
