// Scans a plugin file: scan_here runs in the child process; scan_in_child starts the child and reads its answer.
#include "plug/scan/scan.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "plug/loader.hpp"
#include "plug/scan/elf.hpp"

namespace assay::plug {
namespace {

// Version of the JSON below. Raise it here and in scan_cache::find when the JSON changes, so that old caches are ignored.
constexpr int k_scan_format = 1;

json describe_component(const gated_component &one, const std::string &path) {
  const assay_component &facts = one.facts;
  const std::string what =
      std::string(kind_name(static_cast<kind>(facts.kind))) + " '" + facts.id + "' of " + path;
  json out;
  out["kind"] = kind_name(static_cast<kind>(facts.kind));
  out["id"] = facts.id;
  out["revision"] = facts.revision;
  out["flags"] = facts.flags;
  out["summary"] = facts.summary;
  out["schema"] = schema::parse(facts.config_schema, "config_schema of " + what).document();
  if (out["schema"].value("type", "") != "object")
    throw error(error_kind::plugin, "its type is not \"object\"").at("config_schema of " + what);
  out["facts"] =
      facts.facts != nullptr ? parse_json(facts.facts, "facts of " + what) : json::object();
  return out;
}

// Returns the scan of a file that cannot be used. keep: whether the cache may remember this scan.
json broken(const std::string &reason, bool keep) {
  return {{"format", k_scan_format}, {"ok", false}, {"reason", reason}, {"keep", keep}};
}

// Returns the first LibTorch library that the plugin links without listing it under "needed" in its requires_json; "" if there is
// none. So no plugin can link LibTorch by accident.
std::string undeclared_library(const elf_facts &elf, const char *requires_json) {
  const json declared =
      requires_json != nullptr ? parse_json(requires_json, "requires_json") : json::object();
  const json allowed = declared.value("needed", json::array());
  for (const std::string &library : elf.needed) {
    const bool foreign_tensors = library.starts_with("libtorch") || library.starts_with("libc10");
    if (foreign_tensors &&
        std::find(allowed.begin(), allowed.end(), json(library)) == allowed.end())
      return library;
  }
  return "";
}

std::string first_line(const std::string &text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

json scan_here(const std::string &path) {
  try {
    const elf_facts elf = read_elf(path);
    const gated_plugin &plugin = load_plugin(path);
    const std::string library = undeclared_library(elf, plugin.facts.requires_json);
    if (!library.empty())
      return broken("links " + library + " without saying so in requires_json \"needed\"", true);
    json out = {{"format", k_scan_format}, {"ok", true}};
    out["plugin"] = {{"id", plugin.facts.id},
                     {"version", plugin.facts.version},
                     {"summary", plugin.facts.summary},
                     {"license", plugin.facts.license},
                     {"abi_minor", plugin.facts.abi_minor}};
    out["warnings"] = elf_warnings(elf);
    out["unsupported"] = plugin.unsupported;
    out["components"] = json::array();
    for (const gated_component &one : plugin.components)
      out["components"].push_back(describe_component(one, path));
    return out;
  } catch (const error &reason) {
    std::string text = reason.what();
    if (text.starts_with(path + ": ")) text = text.substr(path.size() + 2);
    const bool for_good =
        reason.kind() == error_kind::plugin && reason.message() != "cannot be loaded";
    // The cache does not remember that a file cannot be loaded or read, because this may change
    return broken(text, for_good);
  } catch (const std::exception &reason) {
    return broken(reason.what(), false);
  }
}

json scan_in_child(const std::string &path, double seconds) {
  process_limits limits;
  limits.seconds = seconds;
  const process_result end = run_process({executable_folder() + "/assay-scan", path}, limits);
  if (end.timed_out)
    return broken("gave no answer within " + std::to_string(static_cast<int>(seconds)) +
                      " s while it was loaded",
                  false);
  if (end.exit_code == 0 && !end.out.empty()) {
    try {
      return parse_json(end.out, "assay-scan");
    } catch (const error &) {
      // The plugin ended the process in the middle of its answer. This is reported below.
    }
  }
  if (end.signal == 0)
    return broken("ended the process while it was loaded (" + describe_end(end) + ")", true);
  const std::string said = first_line(end.err);
  return broken(
      "crashed while it was loaded: " + describe_end(end) + (said.empty() ? "" : ": " + said),
      true);
}

plugin_file file_from_scan(const std::string &path, const std::string &hash, const json &scan) {
  plugin_file out;
  out.path = path;
  out.hash = hash;
  if (!scan.value("ok", false)) {
    out.broken = scan.value("reason", "the scan said nothing");
    return out;
  }
  const json &plugin = scan.at("plugin");
  out.id = plugin.at("id");
  out.version = plugin.at("version");
  out.summary = plugin.at("summary");
  out.license = plugin.at("license");
  out.warnings = scan.at("warnings").get<std::vector<std::string>>();
  out.unsupported = scan.at("unsupported").get<std::vector<std::string>>();
  for (const json &told : scan.at("components")) {
    component one;
    parse_kind(told.at("kind"), one.what);
    one.id = told.at("id");
    one.revision = told.at("revision");
    one.flags = told.at("flags");
    one.summary = told.at("summary");
    one.schema = told.at("schema");
    one.facts = told.at("facts");
    one.file = path;
    one.file_hash = hash;
    one.plugin_id = out.id;
    one.plugin_version = out.version;
    one.plugin_license = out.license;
    out.components.push_back(std::move(one));
  }
  return out;
}

}  // namespace assay::plug
