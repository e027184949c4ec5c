// `assay plugins` lists the components (quantizers, datasets, metrics, ...) in the plugin files that
// were found, and the files that cannot be used, with the reason for each.
#include <algorithm>
#include <cstdio>

#include "cmd/verbs.hpp"
#include "core/error.hpp"
#include "plug/registry.hpp"

namespace assay::cmd {
namespace {

using plug::component;
using plug::plugin_file;

json as_json(const plug::registry &found) {
  json files = json::array();
  for (const plugin_file &file : found.files()) {
    json one = {{"path", file.path}, {"hash", file.hash}, {"from_cache", file.from_cache}};
    if (!file.broken.empty()) {
      one["broken"] = file.broken;
    } else {
      one["id"] = file.id;
      one["version"] = file.version;
      one["summary"] = file.summary;
      one["license"] = file.license;
      one["warnings"] = file.warnings;
      one["unsupported"] = file.unsupported;
      one["components"] = json::array();
      for (const component &part : file.components)
        one["components"].push_back({{"kind", kind_name(part.what)},
                                     {"id", part.id},
                                     {"revision", part.revision},
                                     {"summary", part.summary}});
    }
    files.push_back(std::move(one));
  }
  return {{"folders", found.folders()}, {"files", files}};
}

void print_components(const plug::registry &found) {
  size_t widest = 2;
  for (const component *one : found.all()) widest = std::max(widest, one->id.size());
  const int width = static_cast<int>(widest);
  for (const component *one : found.all())
    std::printf("%-9s  %-*s  %-7s  %s\n", kind_name(one->what), width, one->id.c_str(),
                one->plugin_version.c_str(), one->summary.c_str());
}

void print_complaints(const plug::registry &found) {
  for (const plugin_file &file : found.files()) {
    if (!file.broken.empty())
      std::printf("\nbroken: %s\n  %s\n", file.path.c_str(), file.broken.c_str());
    for (const std::string &text : file.unsupported)
      std::printf("\nunsupported: %s\n  %s\n", file.path.c_str(), text.c_str());
    for (const std::string &text : file.warnings)
      std::printf("\nwarning: %s\n  %s\n", file.path.c_str(), text.c_str());
  }
  const std::vector<const component *> all = found.all();  // sorted: equal ids are neighbours
  for (size_t i = 1; i < all.size(); ++i)
    if (all[i]->what == all[i - 1]->what && all[i]->id == all[i - 1]->id)
      std::printf("\nconflict: %s '%s' is in two files; neither can be used\n  %s\n  %s\n",
                  kind_name(all[i]->what), all[i]->id.c_str(), all[i - 1]->file.c_str(),
                  all[i]->file.c_str());
}

}  // namespace

int verb_plugins(const options &given) {
  const plug::registry found({plug::plugin_folders(given.plugin_dirs), given.rescan});
  if (given.json) {
    std::printf("%s\n", json_text(as_json(found), 2).c_str());
    return 0;
  }
  if (found.files().empty()) {
    std::printf("no plugins were found in\n");
    for (const std::string &folder : found.folders()) std::printf("  %s\n", folder.c_str());
    return 0;
  }
  print_components(found);
  print_complaints(found);
  return 0;
}

}  // namespace assay::cmd
