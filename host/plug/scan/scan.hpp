// Tries out a plugin file in a child process, because it may crash or hang, and remembers the outcome by the hash of the file.
// The child is the program `assay-scan` (scan_main.cpp): it loads one file and prints what it found as JSON.
#pragma once

#include <string>

#include "core/json.hpp"
#include "plug/registry.hpp"

namespace assay::plug {

// Called in the child: loads the file into this process and describes it. A bad file is described as broken; nothing is thrown.
json scan_here(const std::string &path);

// Runs assay-scan on the file for at most `seconds`. A file that crashes, hangs or throws is described as broken, with the reason.
json scan_in_child(const std::string &path, double seconds = 5.0);

// Turns the JSON of a scan into the entry of the registry.
plugin_file file_from_scan(const std::string &path, const std::string &hash, const json &scan);

// Keeps scans by the hash of the file, in a file in $XDG_CACHE_HOME/assay or ~/.cache/assay. It keeps those of good files and of
// files that crashed or broke the contract. It does not keep failures that may not come again (a missing library, an exceeded time
// limit). If the cache file is damaged or cannot be written, plugins are scanned again; nothing else happens.
class scan_cache {
 public:
  scan_cache();
  const json *find(const std::string &hash) const;  // nullptr if unknown
  void put(const std::string &hash, json scan);
  // Adds the new scans to those in the file, which other processes may have written; replaces the file as a whole
  void save();

 private:
  std::string path_;
  json entries_ = json::object();
  bool changed_ = false;
};

}  // namespace assay::plug
