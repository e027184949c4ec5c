// Finds a model folder's name from its path alone; no file is opened.
#include "checkpoint/folder_name.hpp"

#include <filesystem>

namespace assay::model {
namespace {

namespace fs = std::filesystem;

// "models--OWNER--NAME" -> "NAME", "models--NAME" -> "NAME" (huggingface_hub, file_download.py, repo_folder_name).
std::string repository_name(const std::string &folder) {
  constexpr const char *k_models = "models--";
  if (folder.rfind(k_models, 0) != 0) return "";
  const std::string id = folder.substr(std::char_traits<char>::length(k_models));
  const size_t owner_end = id.find("--");
  return owner_end == std::string::npos ? id : id.substr(owner_end + 2);
}

}  // namespace

std::string folder_name(const std::string &path) {
  std::error_code code;
  fs::path whole = fs::absolute(path, code).lexically_normal();
  if (code) whole = fs::path(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();  // a slash at the end
  const fs::path above = whole.parent_path();
  if (above.filename() == "snapshots")
    if (auto name = repository_name(above.parent_path().filename().string()); !name.empty())
      return name;
  const std::string name = whole.filename().string();
  return name.empty() ? "model" : name;
}

}  // namespace assay::model
