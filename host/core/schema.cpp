// Checks a value against a schema, and a schema against the subset of JSON Schema that assay knows.
#include "core/schema.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/suggest.hpp"

namespace assay {
namespace {

constexpr std::array<std::string_view, 15> k_words = {"type",
                                                      "enum",
                                                      "const",
                                                      "not",
                                                      "minimum",
                                                      "maximum",
                                                      "multipleOf",
                                                      "default",
                                                      "description",
                                                      "items",
                                                      "properties",
                                                      "required",
                                                      "additionalProperties",
                                                      "x-unit",
                                                      "x-example"};
constexpr std::array<std::string_view, 7> k_types = {"object",  "array",   "string", "number",
                                                     "integer", "boolean", "null"};

template <size_t n>
bool contains(const std::array<std::string_view, n> &list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_integral(const json &value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return std::isfinite(number) && number == std::floor(number) && std::fabs(number) < 9.0e15;
}

bool has_type(const json &value, const std::string &type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return is_integral(value);
  if (type == "boolean") return value.is_boolean();
  return value.is_null();
}

std::vector<std::string> types_of(const json &rule) {
  if (!rule.contains("type")) return {};
  if (rule["type"].is_string()) return {rule["type"].get<std::string>()};
  return rule["type"].get<std::vector<std::string>>();
}

std::string with_article(const std::string &type) {
  if (type == "null") return "null";
  return (type == "object" || type == "array" || type == "integer" ? "an " : "a ") + type;
}

// A value as messages show it: a short one as it is; an object, a list and a long text only by type ("an object", "a long string").
std::string shown(const json &value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= 60 ? text : "a long " + std::string(value.type_name());
}

std::string listed(const json &values) {
  std::string text;
  for (const json &value : values) text += (text.empty() ? "" : ", ") + shown(value);
  return text;
}

// Checks a value, and the values inside it, against a rule of the schema and the rules inside this rule; returns the value with
// defaults filled in. `path` is the place inside the configuration, for example "scales[2].bits"; "" at the top.
class checker {
 public:
  explicit checker(const std::string &where) : where_(where) {}

  json complete(const json &value, const json &rule, const std::string &path) const {
    check_type(value, rule, path);
    check_choice(value, rule, path);
    if (value.is_number()) check_number(value, rule, path);
    if (value.is_array() && rule.contains("items")) return complete_array(value, rule, path);
    if (value.is_object() && rule.contains("properties")) return complete_object(value, rule, path);
    const std::vector<std::string> types = types_of(rule);
    const bool wants_integer = std::count(types.begin(), types.end(), "integer") != 0 &&
                               std::count(types.begin(), types.end(), "number") == 0;
    if (wants_integer && value.is_number_float()) return static_cast<int64_t>(value.get<double>());
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string &path, const std::string &text,
                         const std::string &hint = "") const {
    const std::string subject = path.empty() ? "the configuration" : "`" + path + "`";
    error failure = error(error_kind::usage, subject + " " + text).at(where_);
    if (!hint.empty()) throw std::move(failure).hint(hint);
    throw failure;
  }

  void check_type(const json &value, const json &rule, const std::string &path) const {
    const std::vector<std::string> types = types_of(rule);
    if (types.empty()) return;
    for (const std::string &type : types)
      if (has_type(value, type)) return;
    std::string wanted;
    for (size_t i = 0; i < types.size(); ++i)
      wanted += (i == 0 ? "" : i + 1 == types.size() ? " or " : ", ") + with_article(types[i]);
    fail(path, "must be " + wanted + ", not " + shown(value));
  }

  void check_choice(const json &value, const json &rule, const std::string &path) const {
    if (rule.contains("const") && value != rule["const"])
      fail(path, "must be " + shown(rule["const"]) + ", not " + shown(value));
    if (rule.contains("not") && value == rule["not"]["const"])
      fail(path, "must not be " + shown(value), what_it_is(rule));
    if (!rule.contains("enum")) return;
    const json &choices = rule["enum"];
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
    std::vector<std::string> words;
    for (const json &choice : choices)
      if (choice.is_string()) words.push_back(choice.get<std::string>());
    const std::string near = value.is_string() ? closest(value.get<std::string>(), words) : "";
    fail(path, "must be one of " + listed(choices) + ", not " + shown(value),
         near.empty() ? "" : "Did you mean \"" + near + "\"?");
  }

  void check_number(const json &value, const json &rule, const std::string &path) const {
    const double number = value.get<double>();
    const std::string unit =
        rule.contains("x-unit") ? " " + rule["x-unit"].get<std::string>() : std::string();
    if (rule.contains("minimum") && !(number >= rule["minimum"].get<double>()))
      fail(path, "must be at least " + shown(rule["minimum"]) + unit + ", not " + shown(value));
    if (rule.contains("maximum") && !(number <= rule["maximum"].get<double>()))
      fail(path, "must be at most " + shown(rule["maximum"]) + unit + ", not " + shown(value));
    if (!rule.contains("multipleOf")) return;
    const double steps = number / rule["multipleOf"].get<double>();
    if (std::fabs(steps - std::round(steps)) > 1e-9 * std::max(1.0, std::fabs(steps)))
      fail(path, "must be a multiple of " + shown(rule["multipleOf"]) + ", not " + shown(value));
  }

  json complete_array(const json &value, const json &rule, const std::string &path) const {
    json out = json::array();
    for (size_t i = 0; i < value.size(); ++i)
      out.push_back(complete(value[i], rule["items"], path + "[" + std::to_string(i) + "]"));
    return out;
  }

  json complete_object(const json &value, const json &rule, const std::string &path) const {
    const json &properties = rule["properties"];
    const std::string prefix = path.empty() ? "" : path + ".";
    std::vector<std::string> known;
    for (const auto &item : properties.items()) known.push_back(item.key());
    for (const auto &item : value.items())
      if (!properties.contains(item.key()))
        throw error(error_kind::usage, "unknown key `" + prefix + item.key() + "`")
            .at(where_)
            .hint(suggestion(item.key(), known));
    json out = json::object();
    for (const auto &item : properties.items()) {
      const std::string &key = item.key();
      if (value.contains(key))
        out[key] = complete(value[key], item.value(), prefix + key);
      else if (item.value().contains("default"))
        out[key] = complete(item.value()["default"], item.value(), prefix + key);
    }
    for (const json &key : rule.value("required", json::array()))
      if (!out.contains(key.get<std::string>()))
        fail(prefix + key.get<std::string>(), "is required",
             what_it_is(properties[key.get<std::string>()]));
    return out;
  }

  static std::string what_it_is(const json &rule) {
    return rule.contains("description") ? "It means: " + rule["description"].get<std::string>()
                                        : "";
  }

  const std::string &where_;
};

// Checks the schema itself: it may use only the words of the subset, each with a value of the right type.
class subset_checker {
 public:
  explicit subset_checker(const std::string &where) : where_(where) {}

  void check(const json &rule, const std::string &path) const {
    if (!rule.is_object()) fail(path, "a rule must be an object");
    for (const auto &item : rule.items())
      if (!contains(k_words, item.key()))
        fail(path, "`" + item.key() + "` is not in the subset of JSON Schema that assay reads");
    check_types(rule, path);
    for (const char *word : {"minimum", "maximum", "multipleOf"})
      if (rule.contains(word) && !rule[word].is_number())
        fail(path, std::string("`") + word + "` must be a number");
    for (const char *word : {"description", "x-unit"})
      if (rule.contains(word) && !rule[word].is_string())
        fail(path, std::string("`") + word + "` must be a string");
    if (rule.contains("enum") && (!rule["enum"].is_array() || rule["enum"].empty()))
      fail(path, "`enum` must be a list with at least one value");
    if (rule.contains("not") &&
        !(rule["not"].is_object() && rule["not"].size() == 1 && rule["not"].contains("const")))
      fail(path, "`not` must be an object whose only key is `const`");
    if (rule.contains("additionalProperties") && rule["additionalProperties"] != false)
      fail(path, "`additionalProperties` must be false");
    if (rule.contains("items")) check(rule["items"], path + "[]");
    check_properties(rule, path);
    if (rule.contains("default")) check_default(rule, path);
  }

 private:
  [[noreturn]] void fail(const std::string &path, const std::string &text) const {
    throw error(error_kind::plugin,
                "bad schema" + (path.empty() ? "" : " of `" + path + "`") + ": " + text)
        .at(where_);
  }

  void check_types(const json &rule, const std::string &path) const {
    if (!rule.contains("type")) return;
    const json &type = rule["type"];
    const json list = type.is_array() ? type : json::array({type});
    for (const json &name : list)
      if (!name.is_string() || !contains(k_types, name.get<std::string>()))
        fail(path, "`type` " + shown(name) + " is not a type");
  }

  void check_properties(const json &rule, const std::string &path) const {
    if (!rule.contains("properties")) return;
    if (!rule["properties"].is_object()) fail(path, "`properties` must be an object");
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const auto &item : rule["properties"].items()) check(item.value(), prefix + item.key());
    if (!rule.contains("required")) return;
    if (!rule["required"].is_array()) fail(path, "`required` must be a list of keys");
    for (const json &key : rule["required"])
      if (!key.is_string() || !rule["properties"].contains(key.get<std::string>()))
        fail(path, "`required` names " + shown(key) + ", which is not a property");
  }

  void check_default(const json &rule, const std::string &path) const {
    try {
      checker(where_).complete(rule["default"], rule, path);
    } catch (const error &reason) {
      fail(path, "the default breaks the rule: " + reason.message());
    }
  }

  const std::string &where_;
};

}  // namespace

schema::schema(json document, const std::string &where) : document_(std::move(document)) {
  subset_checker(where).check(document_, "");
}

schema schema::parse(std::string_view text, const std::string &where) {
  return schema(parse_json(text, where), where);
}

json schema::complete(const json &config, const std::string &where) const {
  const json empty = json::object();
  return checker(where).complete(config.is_null() ? empty : config, document_, "");
}

}  // namespace assay
