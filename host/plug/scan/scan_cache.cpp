// Reads and writes the file of scan_cache, which is one JSON object: hash of a plugin file -> its scan.
#include <cstdlib>

#include "core/error.hpp"
#include "core/file.hpp"
#include "plug/scan/scan.hpp"

namespace assay::plug {
namespace {

// A limit, because each rebuilt plugin adds a hash and leaves the old one
constexpr size_t k_most_entries = 1000;

std::string cache_file() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return std::string(cache) + "/assay/plugins-1.json";
  const char *home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') return "";
  return std::string(home) + "/.cache/assay/plugins-1.json";
}

json load(const std::string &path) {
  try {
    json entries = read_json_file(path);
    if (entries.is_object()) return entries;
  } catch (const error &) {  // absent or damaged: plugins are scanned again
  }
  return json::object();
}

}  // namespace

scan_cache::scan_cache() : path_(cache_file()) {
  if (!path_.empty()) entries_ = load(path_);
}

const json *scan_cache::find(const std::string &hash) const {
  const auto found = entries_.find(hash);
  if (found == entries_.end() || !found->is_object() || found->value("format", 0) != 1)
    return nullptr;
  return &*found;
}

void scan_cache::put(const std::string &hash, json scan) {
  if (!scan.value("ok", false) && !scan.value("keep", false)) return;
  entries_[hash] = std::move(scan);
  changed_ = true;
}

void scan_cache::save() {
  if (!changed_ || path_.empty()) return;
  changed_ = false;
  json merged = load(path_);
  merged.update(entries_);
  // The oldest entries are the first ones
  while (merged.size() > k_most_entries) merged.erase(merged.begin());
  try {
    write_file_atomically(path_, json_text(merged));
  } catch (const error &) {  // for example a read-only home: the next start scans again
  }
}

}  // namespace assay::plug
