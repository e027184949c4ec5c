// Trying out a plugin file in a child process, and remembering the outcome by content hash.
// The child is `assay-scan` (scan_main.cpp): it loads one file and prints what it found as JSON.
#pragma once

#include <string>

#include "core/json.hpp"
#include "plug/registry.hpp"

namespace assay::plug {

// In the child: loads the file into this very process and describes it. Never throws for
// a bad file.
json scan_here(const std::string &path);

// Runs assay-scan on the file. A file that crashes, hangs or throws comes back as broken, with why.
json scan_in_child(const std::string &path, double seconds = 5.0);

// What a scan said, as the registry keeps it.
plugin_file file_from_scan(const std::string &path, const std::string &hash, const json &scan);

// Scans by content hash in $XDG_CACHE_HOME/assay or ~/.cache/assay. Kept: files that are good, and
// those that crashed or broke the contract. Not kept: what another machine state could change (a
// missing library, a time limit). A damaged or unwritable cache costs time only.
class scan_cache {
 public:
  scan_cache();
  const json *find(const std::string &hash) const;  // nullptr if unknown
  void put(const std::string &hash, json scan);
  void save();  // atomic, merged with what other processes saved; nothing if nothing is new

 private:
  std::string path_;
  json entries_ = json::object();
  bool changed_ = false;
};

}  // namespace assay::plug
