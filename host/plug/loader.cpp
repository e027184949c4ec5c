// Opens the shared libraries of plugins; no other file does.
#include "plug/loader.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include "core/error.hpp"
#include "plug/scan/elf.hpp"
#include "plug/service_context.hpp"

namespace assay::plug {
namespace {

namespace dll = boost::dll;

struct loaded {
  const dll::shared_library *library;  // never closed; see keep()
  gated_plugin plugin;
};

// Keeps a library open until the process ends, even if the gate refuses it: closing it would run code of the plugin.
const dll::shared_library *keep(dll::shared_library library) {
  static auto *kept = new std::deque<dll::shared_library>();
  return &kept->emplace_back(std::move(library));
}

// The loaded plugins by canonical path. The map is never destroyed, because code of plugins may still run while the
// process ends (deleters of tensors, thread-local objects).
std::map<std::string, loaded> &all_loaded() {
  static auto *libraries = new std::map<std::string, loaded>();
  return *libraries;
}

std::mutex &loading() {
  static auto *mutex = new std::mutex();
  return *mutex;
}

dll::shared_library open_library(const std::string &path) {
  try {
    // With rtld_now a missing symbol is an error here, not in the middle of a run. RTLD_LOCAL is the default.
    return dll::shared_library(std::filesystem::path(path), dll::load_mode::rtld_now);
  } catch (const std::exception &reason) {  // its text contains the text of dlerror
    std::string text = reason.what();
    // Boost adds the text of an error code that is not the reason.
    const size_t noise = text.rfind(": Bad file descriptor");
    if (noise != std::string::npos) text.resize(noise);
    const std::string prefix =
        "boost::dll::shared_library::load() failed (dlerror system message: ";
    if (text.starts_with(prefix)) text = text.substr(prefix.size());
    if (text.ends_with(")")) text.pop_back();
    throw error(error_kind::plugin, "cannot be loaded").at(path).cause(text);
  }
}

gated_plugin ask_entry(const dll::shared_library &library, const std::string &path) {
  const auto &entry = library.get<const assay_plugin *(const assay_host *)>("assay_plugin_v1");
  service_context services(nullptr, {});
  const assay_plugin *answer = entry(services.table());
  if (answer == nullptr) {
    error refusal = error(error_kind::plugin, "assay_plugin_v1 returned NULL").at(path);
    if (!services.failure_text().empty()) throw std::move(refusal).cause(services.failure_text());
    throw refusal;
  }
  return admit(answer, path);
}

std::string key_of(const std::string &path) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(path, ignored).string();
}

}  // namespace

const assay_plugin *ask_entry_again(const std::string &path, const assay_host *host) {
  load_plugin(path);
  const std::lock_guard<std::mutex> lock(loading());
  const dll::shared_library *library = all_loaded().at(key_of(path)).library;
  return library->get<const assay_plugin *(const assay_host *)>("assay_plugin_v1")(host);
}

const gated_plugin &load_plugin(const std::string &path) {
  const std::string key = key_of(path);
  const std::lock_guard<std::mutex> lock(loading());
  auto &libraries = all_loaded();
  const auto known = libraries.find(key);
  if (known != libraries.end()) return known->second.plugin;

  const std::string refusal = why_not_loadable(read_elf(path));
  if (!refusal.empty()) throw error(error_kind::plugin, refusal).at(path);
  const dll::shared_library *library = keep(open_library(path));
  gated_plugin plugin = ask_entry(*library, path);
  return libraries.emplace(key, loaded{library, std::move(plugin)}).first->second.plugin;
}

const gated_component &load_component(const component &what) {
  const gated_plugin &plugin = load_plugin(what.file);
  for (const gated_component &one : plugin.components)
    if (one.facts.kind == static_cast<uint32_t>(what.what) && what.id == one.facts.id) return one;
  throw error(error_kind::plugin,
              std::string("has no ") + kind_name(what.what) + " '" + what.id + "' any more")
      .at(what.file)
      .hint("It was replaced while assay ran; start again");
}

}  // namespace assay::plug
