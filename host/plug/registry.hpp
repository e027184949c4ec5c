// The list of all plugins in the search folders: finds a component by its id, and says which files are broken and why.
// It only scans the files (plug/scan). A file is loaded into this process when the first instance of its components is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plug/component.hpp"

namespace assay::plug {

// One file *.assay.so, as the scan described it.
struct plugin_file {
  std::string path;
  std::string hash;  // sha256 of its bytes
  std::string id, version, summary, license;
  std::string broken;                 // why it cannot be used; "" if it can
  std::vector<std::string> warnings;  // faults that do not prevent its use
  // Components that this host cannot use, because it does not know their kind or flag
  std::vector<std::string> unsupported;
  std::vector<component> components;
  bool from_cache = false;  // true if an earlier scan of the same bytes was used
};

struct search_options {
  std::vector<std::string> folders;  // in order of search; see plugin_folders()
  bool rescan = false;               // true: scan each file again, whatever the cache says
};

// The folders in order of search: those given by --plugin-dir, those in ASSAY_PLUGIN_PATH (a list with colons between them),
// <exe>/../plugins and <exe>/../lib/assay, where <exe> is the folder of the running program.
std::vector<std::string> plugin_folders(const std::vector<std::string> &from_command_line);

class registry {
 public:
  explicit registry(const search_options &options);

  // Throws error(usage) if no file has a component with this id; the hint names a similar id if there is one. Throws
  // error(plugin) if two files have such a component, or if the file named ID.assay.so is broken. The reference is
  // valid as long as the registry lives.
  const component &find(kind what, const std::string &id) const;
  // Sorted by kind, then id
  std::vector<const component *> all(std::optional<kind> what = std::nullopt) const;
  const std::vector<plugin_file> &files() const { return files_; }
  const std::vector<std::string> &folders() const { return folders_; }

 private:
  std::vector<std::string> folders_;
  std::vector<plugin_file> files_;
};

// plugins() is the registry of this process; its first call makes it. Before that, call set_plugin_folders with the
// folders of --plugin-dir; a later call has no effect.
void set_plugin_folders(std::vector<std::string> from_command_line);
const registry &plugins();

}  // namespace assay::plug
