// The check of `assay doctor` for plugins: which components the plugin files contain, and which files
// cannot be used and why. `assay plugins` and `assay describe ID` list plugins in more detail.
#include "cmd/doctor.hpp"
#include "plug/registry.hpp"

namespace assay::cmd {
namespace {

// Returns kind and id of each component: "quantizer rtn, dataset text".
std::string offered(const plug::plugin_file &file) {
  std::string text;
  for (const plug::component &c : file.components)
    text += (text.empty() ? "" : ", ") + std::string(plug::kind_name(c.what)) + " " + c.id;
  return text;
}

}  // namespace

findings look_at_plugins(const std::vector<std::string> &plugin_dirs) {
  plug::set_plugin_folders(plugin_dirs);
  const plug::registry &all = plug::plugins();
  std::string folders;
  for (const std::string &folder : all.folders()) folders += (folders.empty() ? "" : ", ") + folder;
  if (all.files().empty())
    return {{"plugins", health::broken, "none in " + folders, "build them: ./assay build"}};

  std::string good;
  findings out;
  for (const plug::plugin_file &file : all.files()) {
    if (file.broken.empty())
      good += (good.empty() ? "" : ", ") + offered(file);
    else
      out.push_back({"plugins", health::missing, file.path + " cannot be used: " + file.broken,
                     "assay check " + file.path + " says more"});
    for (const std::string &warning : file.warnings)
      out.push_back({"plugins", health::note, file.path + ": " + warning, ""});
  }
  out.insert(out.begin(), {"plugins", good.empty() ? health::broken : health::good,
                           good.empty() ? "no file in " + folders + " can be used" : good, ""});
  return out;
}

}  // namespace assay::cmd
