// Looks for plugin files in folders and lists their components. A broken file is an error only when one of its components is used.
#include "plug/registry.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/hash.hpp"
#include "core/suggest.hpp"
#include "plug/scan/scan.hpp"

namespace assay::plug {
namespace {

namespace fs = std::filesystem;

// The files *.assay.so of a folder, sorted, without those of its subfolders. A folder that does not exist has none.
std::vector<std::string> files_in(const std::string &folder) {
  std::vector<std::string> out;
  std::error_code failure;
  for (const auto &entry : fs::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".assay.so") && entry.is_regular_file(failure))
      out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> split_at_colons(const std::string &list) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(':', begin), list.size());
    if (end > begin) out.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

plugin_file unreadable(const std::string &path, const error &reason) {
  plugin_file out;
  out.path = path;
  out.broken = "cannot be read: " + (reason.cause().empty() ? reason.message() : reason.cause());
  return out;
}

}  // namespace

std::vector<std::string> plugin_folders(const std::vector<std::string> &from_command_line) {
  std::vector<std::string> out = from_command_line;
  if (const char *path = std::getenv("ASSAY_PLUGIN_PATH"); path != nullptr)
    for (std::string &folder : split_at_colons(path)) out.push_back(std::move(folder));
  out.push_back(executable_folder() + "/../plugins");
  out.push_back(executable_folder() + "/../lib/assay");
  for (std::string &folder : out) folder = fs::path(folder).lexically_normal().string();
  return out;
}

// Describes each plugin file of the folders. If the cache has a scan of the same bytes, this scan is used, else
// the file is scanned.
registry::registry(const search_options &options) : folders_(options.folders) {
  scan_cache cache;
  std::set<std::string> seen;  // hashes of contents: two copies of the same file are no conflict
  for (const std::string &folder : folders_) {
    for (const std::string &path : files_in(folder)) {
      std::string hash;
      try {
        hash = sha256_file_hex(path);
      } catch (const error &reason) {
        files_.push_back(unreadable(path, reason));
        continue;
      }
      if (!seen.insert(hash).second) continue;
      const json *known = options.rescan ? nullptr : cache.find(hash);
      const bool from_cache = known != nullptr;
      const json scan = from_cache ? *known : scan_in_child(path);
      if (!from_cache) cache.put(hash, scan);
      files_.push_back(file_from_scan(path, hash, scan));
      files_.back().from_cache = from_cache;
    }
  }
  cache.save();
}

std::vector<const component *> registry::all(std::optional<kind> what) const {
  std::vector<const component *> out;
  for (const plugin_file &file : files_)
    for (const component &one : file.components)
      if (!what || one.what == *what) out.push_back(&one);
  std::stable_sort(out.begin(), out.end(), [](const component *a, const component *b) {
    return a->what != b->what ? a->what < b->what : a->id < b->id;
  });
  return out;
}

const component &registry::find(kind what, const std::string &id) const {
  std::vector<const component *> found;
  std::vector<std::string> ids;
  const std::vector<const component *> known = all(what);
  ids.reserve(known.size());
  for (const component *one : known) {
    if (one->id == id) found.push_back(one);
    ids.push_back(one->id);
  }
  const std::string name = std::string(kind_name(what)) + " '" + id + "'";
  if (found.size() > 1)
    throw error(error_kind::plugin, "two plugins provide the " + name + ": " + found[0]->file +
                                        " and " + found[1]->file)
        .hint("Remove one of them");
  if (found.size() == 1) return *found[0];
  // If a broken file is named like the id, it is probably the reason.
  for (const plugin_file &file : files_) {
    const std::string stem = fs::path(file.path).filename().string();
    if (!file.broken.empty() && stem == id + ".assay.so")
      throw error(error_kind::plugin, "the plugin of the " + name + " is broken")
          .at(file.path)
          .cause(file.broken);
  }
  throw error(error_kind::usage, "there is no " + name)
      .hint(ids.empty() ? "No plugin was found: `assay plugins` shows where assay looks"
                        : suggestion(id, ids));
}

namespace {

std::vector<std::string> &wanted_folders() {
  static auto *folders = new std::vector<std::string>();
  return *folders;
}

}  // namespace

void set_plugin_folders(std::vector<std::string> from_command_line) {
  wanted_folders() = std::move(from_command_line);
}

const registry &plugins() {
  static const auto *only = new registry({plugin_folders(wanted_folders()), false});
  return *only;
}

}  // namespace assay::plug
