// `assay new KIND NAME [DIR]` writes the folder of a new plugin from the template of its kind. The
// folder needs no build system: its script build.sh calls the compiler once.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cmd/verbs.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/in_progress.hpp"
#include "core/json.hpp"
#include "core/suggest.hpp"

namespace assay::cmd {
namespace {

namespace fs = std::filesystem;

// Returns the folder plugin_api: that of an installation beside the program, else that of the source
// tree from which the program was built. Throws error(failed) if there is neither.
std::string plugin_api_folder() {
  const std::string places[] = {executable_folder() + "/../include/assay", ASSAY_PLUGIN_API_DIR};
  for (const std::string &place : places)
    if (fs::exists(place + "/assay.h")) return fs::path(place).lexically_normal().string();
  throw error(error_kind::failed, "plugin_api is not beside this program")
      .hint("Run assay from its source tree or from an installation");
}

std::vector<std::string> kinds_with_template(const std::string &api) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(api + "/templates", ignored))
    out.push_back(entry.path().filename().string());
  return out;
}

bool is_good_name(const std::string &name) {
  if (name.empty() || name.size() > 64 || !(name[0] >= 'a' && name[0] <= 'z')) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

// Returns `text` with every `mark` replaced.
std::string replaced(std::string text, const std::string &mark, const std::string &by) {
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + by.size()))
    text.replace(at, mark.size(), by);
  return text;
}

// Returns the name that a template's file gets in the new folder: without ".in". Templates add ".in"
// to names such as CMakeLists.txt, so that tools do not use the template's own file.
std::string target_name(const fs::path &source) {
  const std::string name = source.filename().string();
  return name.ends_with(".in") ? name.substr(0, name.size() - 3) : name;
}

}  // namespace

int verb_new(const options &given) {
  const std::string &what = given.operands.at(0), &name = given.operands.at(1);
  const std::string folder = given.operands.size() > 2 ? given.operands[2] : name;
  const std::string api = plugin_api_folder();
  const std::vector<std::string> kinds = kinds_with_template(api);
  if (std::find(kinds.begin(), kinds.end(), what) == kinds.end())
    throw error(error_kind::usage, "there is no template for '" + what + "'")
        .hint(suggestion(what, kinds));
  if (!is_good_name(name))
    throw error(error_kind::usage, "'" + name + "' is no name for a plugin")
        .hint("Use a-z, 0-9 and _, beginning with a letter");

  folder_in_progress made(folder);  // throws if the folder exists
  for (const auto &entry : fs::directory_iterator(api + "/templates/" + what)) {
    const std::string target = made.path() + "/" + target_name(entry.path());
    const std::string text = replaced(read_file(entry.path().string()), "@NAME@", name);
    write_file_atomically(target, replaced(text, "@PLUGIN_API@", fs::absolute(api).string()));
    if (target.ends_with(".sh")) chmod(target.c_str(), 0755);
  }
  made.commit();
  if (given.json)
    std::printf("%s\n", json_text({{"folder", folder}, {"kind", what}, {"id", name}}).c_str());
  else
    std::printf("%s is made. Next:\n  sh %s/build.sh\n  assay check %s/%s.assay.so\n",
                folder.c_str(), folder.c_str(), folder.c_str(), name.c_str());
  return 0;
}

}  // namespace assay::cmd
