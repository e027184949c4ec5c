// `assay describe ID` shows a component of a plugin (one quantizer, dataset, metric, ...): its plugin
// file, and each key of the configuration that it takes.
#include <cstdio>

#include "cmd/verbs.hpp"
#include "core/error.hpp"
#include "core/suggest.hpp"
#include "plug/registry.hpp"

namespace assay::cmd {
namespace {

using plug::component;

// Returns the type of a key as text, from its JSON schema: "integer 2..8", "\"a\" | \"b\"", "any".
std::string type_text(const json &rule) {
  std::string text;
  if (rule.contains("enum")) {
    for (const json &choice : rule["enum"]) text += (text.empty() ? "" : " | ") + choice.dump();
    return text;
  }
  const json type = rule.value("type", json("any"));
  if (type.is_string()) text = type.get<std::string>();
  if (type.is_array())
    for (const json &one : type) text += (text.empty() ? "" : " or ") + one.get<std::string>();
  if (rule.contains("minimum") && rule.contains("maximum"))
    return text + " " + rule["minimum"].dump() + ".." + rule["maximum"].dump();
  if (rule.contains("minimum")) return text + " >= " + rule["minimum"].dump();
  if (rule.contains("maximum")) return text + " <= " + rule["maximum"].dump();
  return text;
}

bool is_required(const json &schema, const std::string &key) {
  for (const json &name : schema.value("required", json::array()))
    if (name == key) return true;
  return false;
}

// Prints the keys of a schema. Keys inside an object get its name as a prefix: "outer.inner".
void print_keys(const json &schema, const std::string &prefix) {
  const json properties = schema.value("properties", json::object());
  for (const auto &item : properties.items()) {
    const json &rule = item.value();
    std::string line = "  " + prefix + item.key() + ": " + type_text(rule);
    if (rule.contains("x-unit")) line += " " + rule["x-unit"].get<std::string>();
    if (rule.contains("default")) line += ", default " + rule["default"].dump();
    if (is_required(schema, item.key())) line += ", required";
    std::printf("%s\n", line.c_str());
    if (rule.contains("description"))
      std::printf("      %s\n", rule["description"].get<std::string>().c_str());
    if (rule.contains("x-example"))
      std::printf("      example: %s\n", rule["x-example"].dump().c_str());
    print_keys(rule, prefix + item.key() + ".");
  }
}

void print(const component &one) {
  std::printf("%s %s: %s\n\n", kind_name(one.what), one.id.c_str(), one.summary.c_str());
  std::printf("  plugin    %s %s (%s)\n  file      %s\n  revision  %u\n", one.plugin_id.c_str(),
              one.plugin_version.c_str(), one.plugin_license.c_str(), one.file.c_str(),
              one.revision);
  if (!one.facts.empty()) std::printf("  facts     %s\n", one.facts.dump().c_str());
  std::printf("\nconfiguration:\n");
  print_keys(one.schema, "");
}

json as_json(const component &one) {
  return {{"kind", kind_name(one.what)},   {"id", one.id},
          {"revision", one.revision},      {"summary", one.summary},
          {"plugin", one.plugin_id},       {"version", one.plugin_version},
          {"license", one.plugin_license}, {"file", one.file},
          {"hash", one.file_hash},         {"facts", one.facts},
          {"schema", one.schema}};
}

}  // namespace

// Components of different kinds, such as a dataset and a metric, may have the same id. All of them
// are shown, so that the user need not type the kind.
int verb_describe(const options &given) {
  const plug::registry found({plug::plugin_folders(given.plugin_dirs), false});
  const std::string &id = given.operands.at(0);
  std::vector<const component *> matches;
  std::vector<std::string> ids;
  for (const component *one : found.all()) {
    if (one->id == id) matches.push_back(one);
    ids.push_back(one->id);
  }
  if (matches.empty())
    throw error(error_kind::usage, "there is no component '" + id + "'")
        .hint(ids.empty() ? "No plugin was found: `assay plugins` shows where assay looks"
                          : suggestion(id, ids));
  if (given.json) {
    json out = json::array();
    for (const component *one : matches) out.push_back(as_json(*one));
    std::printf("%s\n", json_text(out.size() == 1 ? out[0] : out, 2).c_str());
    return 0;
  }
  for (const component *one : matches) {
    if (one != matches[0]) std::printf("\n");
    print(*one);
  }
  return 0;
}

}  // namespace assay::cmd
