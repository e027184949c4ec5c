// Cases for components of every kind: their configurations work.
#include <memory>

#include "core/error.hpp"
#include "plug/check/check.hpp"
#include "plug/check/numbers.hpp"
#include "plug/dataset.hpp"
#include "plug/exporter.hpp"
#include "plug/metric.hpp"
#include "plug/quantizer.hpp"
#include "plug/transform.hpp"

namespace assay::check {
namespace {

std::unique_ptr<plug::instance> make(const plug::component &what, const json &config) {
  plug::instance_options options;
  options.checked = true;
  switch (what.what) {
    case plug::kind::quantizer:
      return std::make_unique<plug::quantizer_instance>(what, config, options);
    case plug::kind::transform:
      return std::make_unique<plug::transform_instance>(what, config, options);
    case plug::kind::dataset:
      return std::make_unique<plug::dataset_instance>(what, config, options);
    case plug::kind::metric:
      return std::make_unique<plug::metric_instance>(what, config, options);
    case plug::kind::exporter:
      return std::make_unique<plug::exporter_instance>(what, config, options);
  }
  return nullptr;
}

void defaults_work(const subject &on) {
  make(*on.what, on.config);
}

// Returns a random value that the rule of the schema allows. It can do so if the rule has `const` or `enum`, is for a
// boolean, or is for a number with both limits and without multipleOf. For every other rule it returns `given`. It
// ignores the keyword `not`.
json random_value(const json &rule, const json &given, numbers &random) {
  if (rule.contains("const")) return rule["const"];
  if (rule.contains("enum")) return rule["enum"][random.below(rule["enum"].size())];
  const std::string type =
      rule.contains("type") && rule["type"].is_string() ? rule["type"] : json("");
  if (type == "boolean") return random.below(2) == 1;
  const bool bounded = rule.contains("minimum") && rule.contains("maximum");
  if (!bounded || rule.contains("multipleOf")) return given;
  const double low = rule["minimum"].get<double>(), high = rule["maximum"].get<double>();
  if (type == "integer")
    return rule["minimum"].get<int64_t>() +
           static_cast<int64_t>(random.below(static_cast<uint64_t>(high - low) + 1));
  if (type == "number") return low + (high - low) * random.uniform();
  return given;
}

// Tries 200 configurations that the schema allows. The plugin must accept each one or give a reason.
void random_valid(const subject &on) {
  numbers random(on.seed);
  const json complete = on.what->complete_config(on.config, on.what->id);
  const json properties = on.what->schema.value("properties", json::object());
  for (int round = 0; round < 200; ++round) {
    json config = complete;
    for (const auto &item : properties.items())
      if (complete.contains(item.key()) && !on.config.contains(item.key()))
        config[item.key()] = random_value(item.value(), complete[item.key()], random);
    try {
      make(*on.what, config);
    } catch (const error &reason) {
      if (reason.kind() == error_kind::plugin) fail("with " + config.dump() + ": " + reason.what());
    }
  }
}

// Gives the keys sorted by name instead of in the order of the schema. The plugin must accept this order too.
void any_order_of_keys(const subject &on) {
  const json complete = on.what->complete_config(on.config, on.what->id);
  make(*on.what, parse_json(canonical_json(complete), "configuration"));
}

void every_key_is_explained(const subject &on) {
  const json properties = on.what->schema.value("properties", json::object());
  for (const auto &item : properties.items())
    if (!item.value().contains("description")) warn("`" + item.key() + "` has no description");
}

}  // namespace

const std::vector<test_case> &config_cases() {
  static const std::vector<test_case> cases = {
      {"defaults_work", defaults_work},
      {"random_valid_configs", random_valid},
      {"any_order_of_keys", any_order_of_keys},
      {"every_key_is_explained", every_key_is_explained},
  };
  return cases;
}

}  // namespace assay::check
