// What doctor says about plugins: which files lie in the plugin folders.
// Not what is in them: `assay plugins` lists their components.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "cmd/doctor.hpp"
#include "core/file.hpp"

namespace assay::cmd {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> plugin_files(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  constexpr std::string_view ending = ".assay.so";
  for (const auto &entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.size() > ending.size() && name.ends_with(ending))
      names.push_back(name.substr(0, name.size() - ending.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

findings look_at_plugins(const std::vector<std::string> &plugin_dirs) {
  std::vector<std::string> folders = {
      fs::weakly_canonical(executable_folder() + "/../plugins").string()};
  folders.insert(folders.end(), plugin_dirs.begin(), plugin_dirs.end());
  const char *more = std::getenv("ASSAY_PLUGIN_PATH");
  std::istringstream list(more ? more : "");
  for (std::string folder; std::getline(list, folder, ':');)
    if (!folder.empty()) folders.push_back(folder);

  findings out;
  for (const std::string &folder : folders) {
    const std::vector<std::string> names = plugin_files(folder);
    std::string text = std::to_string(names.size()) + " in " + folder;
    for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? ": " : ", ") + names[i];
    const bool own = &folder == &folders.front();
    const health bad = own ? health::broken : health::note;
    out.push_back({"plugins", names.empty() ? bad : health::good, text,
                   names.empty() && own ? "build them: ./assay build" : ""});
  }
  return out;
}

}  // namespace assay::cmd
