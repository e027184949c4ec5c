// Lists the names of the cases, and runs one of them by its name.
#include "plug/check/check.hpp"

#include "core/error.hpp"

namespace assay::check {
namespace {

std::vector<std::vector<test_case>> cases_of(plug::kind what) {
  switch (what) {
    case plug::kind::quantizer:
      return {config_cases(), quantizer_cases(), control_cases()};
    case plug::kind::dataset:
      return {config_cases(), dataset_cases()};
    case plug::kind::metric:
      return {config_cases(), metric_cases()};
    case plug::kind::exporter:
      return {config_cases(), exporter_cases()};
    case plug::kind::transform:
      return {config_cases(), transform_cases()};
  }
  return {};
}

std::string prefix_of(const plug::component &what) {
  return std::string(kind_name(what.what)) + "/" + what.id + "/";
}

// A configuration that should work: what the user set, and for a required key without a default the example from the schema. Other
// keys are left out, because the host fills in their defaults.
json working_config(const plug::component &what, const json &settings) {
  json config = json::object();
  const json properties = what.schema.value("properties", json::object());
  for (const json &key : what.schema.value("required", json::array())) {
    const json &rule = properties[key.get<std::string>()];
    if (!rule.contains("default") && rule.contains("x-example"))
      config[key.get<std::string>()] = rule["x-example"];
  }
  for (const auto &item : settings.items())
    if (properties.contains(item.key())) config[item.key()] = item.value();
  for (const json &key : what.schema.value("required", json::array())) {
    const std::string name = key.get<std::string>();
    if (!config.contains(name) && !properties[name].contains("default"))
      skip("`" + name + "` has neither default nor x-example: give it with --set " + name +
           "=VALUE");
  }
  return config;
}

outcome guarded(const std::string &name, const std::function<void()> &body) {
  try {
    body();
    return {name, verdict::pass, ""};
  } catch (const finding &what) {
    return {name, what.result, what.text};
  } catch (const error &reason) {
    return {name, verdict::fail, reason.what()};
  } catch (const std::exception &reason) {
    return {name, verdict::fail, std::string("unexpected: ") + reason.what()};
  }
}

}  // namespace

const char *verdict_name(verdict which) {
  switch (which) {
    case verdict::pass:
      return "pass";
    case verdict::warn:
      return "warn";
    case verdict::skip:
      return "skip";
    case verdict::fail:
      return "fail";
  }
  return "fail";
}

void fail(const std::string &text) {
  throw finding{verdict::fail, text};
}
void warn(const std::string &text) {
  throw finding{verdict::warn, text};
}
void skip(const std::string &text) {
  throw finding{verdict::skip, text};
}

std::vector<std::string> case_names(const plan &what) {
  std::vector<std::string> names;
  names.reserve(library_cases().size());
  for (const test_case &one : library_cases()) names.push_back(std::string("library/") + one.name);
  for (const plug::component &part : what.components)
    for (const auto &group : cases_of(part.what))
      for (const test_case &one : group) names.push_back(prefix_of(part) + one.name);
  return names;
}

outcome run_case(const plan &what, const std::string &name) {
  offer_plain_linalg();
  subject on{what.file, nullptr, json::object(), what.seed};
  for (const test_case &one : library_cases())
    if (name == std::string("library/") + one.name) return guarded(name, [&] { one.run(on); });
  for (const plug::component &part : what.components)
    for (const auto &group : cases_of(part.what))
      for (const test_case &one : group) {
        if (name != prefix_of(part) + one.name) continue;
        return guarded(name, [&] {
          on.what = &part;
          on.config = working_config(part, what.settings);
          one.run(on);
        });
      }
  return {name, verdict::fail, "there is no such case"};
}

}  // namespace assay::check
