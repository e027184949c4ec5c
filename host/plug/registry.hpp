// Every plugin that is in reach: ids -> components, and the files that are broken with the reason.
// Finding and scanning only (plug/scan); loading happens when an instance is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plug/component.hpp"

namespace assay::plug {

// One *.assay.so as the scan found it.
struct plugin_file {
  std::string path;
  std::string hash;  // sha256 of its bytes
  std::string id, version, summary, license;
  std::string broken;                    // why it cannot be used; "" if it can
  std::vector<std::string> warnings;     // usable, but not as it should be
  std::vector<std::string> unsupported;  // its components of kinds or flags unknown to this host
  std::vector<component> components;
  bool from_cache = false;
};

struct search_options {
  std::vector<std::string> folders;  // in order of search; see default_folders()
  bool rescan = false;               // do not believe the cache
};

// Folders in order of search: those of --plugin-dir, those of ASSAY_PLUGIN_PATH (a list with colons),
// <exe>/../plugins and <exe>/../lib/assay.
std::vector<std::string> plugin_folders(const std::vector<std::string> &from_command_line);

class registry {
 public:
  explicit registry(const search_options &options);

  // Throws error(usage) with "Did you mean" for an unknown id, error(plugin) for one whose file is
  // broken or that two files provide. The reference lives as long as the registry.
  const component &find(kind what, const std::string &id) const;
  std::vector<const component *> all(std::optional<kind> what = std::nullopt) const;  // by kind, id
  const std::vector<plugin_file> &files() const { return files_; }
  const std::vector<std::string> &folders() const { return folders_; }

 private:
  std::vector<std::string> folders_;
  std::vector<plugin_file> files_;
};

// The process's registry, made at the first call. set_plugin_folders comes before that.
void set_plugin_folders(std::vector<std::string> from_command_line);
const registry &plugins();

}  // namespace assay::plug
