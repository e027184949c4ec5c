// Reads recipes from JSON and writes them as JSON, and finds the configuration of each linear. A
// plugin's configuration is checked later, when an instance of the plugin is made.
#include "quant/recipe.hpp"

#include <algorithm>
#include <array>
#include <regex>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/suggest.hpp"
#include "model/decoder_layout.hpp"
#include "plug/registry.hpp"

namespace assay::quant {
namespace {

constexpr std::array k_keys = {
    "method",    "quantizer",   "transforms",  "activation",      "kv",         "keep",
    "overrides", "propagation", "sink_weight", "min_token_ratio", "embeddings", "ragged",
    "seed",      "tune",        "experts",     "routers"};

template <class Keys>
void refuse_unknown_keys(const json &object, const Keys &keys, const std::string &where) {
  for (const auto &[key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    throw error(error_kind::usage, "unknown key '" + key + "'")
        .at(where)
        .hint(suggestion(key, {keys.begin(), keys.end()}));
  }
}

error wrong_type(const std::string &where, const std::string &expected, const json &value) {
  return error(error_kind::usage,
               "expected " + expected + ", found " + std::string(value.type_name()))
      .at(where);
}

std::string text_of(const json &value, const std::string &where) {
  if (!value.is_string()) throw wrong_type(where, "a string", value);
  return value.get<std::string>();
}

// Lua has one kind of table for lists and objects, so an empty table may arrive as [] or as {}.
json object_of(const json &value, const std::string &where) {
  if (value.is_null() || (value.is_array() && value.empty())) return json::object();
  if (!value.is_object()) throw wrong_type(where, "an object", value);
  return value;
}

json list_of(const json &value, const std::string &where) {
  if (value.is_null() || (value.is_object() && value.empty())) return json::array();
  if (!value.is_array()) throw wrong_type(where, "a list", value);
  return value;
}

component_choice choice_of(const json &value, const std::string &where) {
  if (value.is_string()) return {value.get<std::string>(), json::object()};
  if (!value.is_object()) throw wrong_type(where, "{ id, config } or an id", value);
  refuse_unknown_keys(value, std::array{"id", "config"}, where);
  if (!value.contains("id")) throw error(error_kind::usage, "no 'id'").at(where);
  component_choice choice{text_of(value["id"], where + ".id"), json::object()};
  if (value.contains("config")) choice.config = object_of(value["config"], where + ".config");
  return choice;
}

propagation_policy propagation_of(const json &value, const std::string &where) {
  const auto name = text_of(value, where);
  if (name == "fp") return propagation_policy::fp;
  if (name == "quantized") return propagation_policy::quantized;
  if (name == "asymmetric") return propagation_policy::asymmetric;
  throw error(error_kind::usage, "unknown propagation '" + name + "'")
      .at(where)
      .hint("known are fp, quantized and asymmetric");
}

bool refuses_ragged(const json &value, const std::string &where) {
  const auto name = text_of(value, where);
  if (name != "error" && name != "short")
    throw error(error_kind::usage, "unknown value of ragged, '" + name + "'")
        .at(where)
        .hint("known are error and short");
  return name == "error";
}

bool flag_of(const json &value, const char *key, bool otherwise, const std::string &where) {
  if (!value.contains(key)) return otherwise;
  if (!value[key].is_boolean()) throw wrong_type(where + "." + key, "true or false", value[key]);
  return value[key].get<bool>();
}

double share_of(const json &value, const char *key, double otherwise, const std::string &where) {
  if (!value.contains(key)) return otherwise;
  if (!value[key].is_number() || value[key].get<double>() < 0)
    throw wrong_type(where + "." + key, "a number of at least 0", value[key]);
  return value[key].get<double>();
}

void read_lists(recipe &out, const json &value, const std::string &where) {
  if (value.contains("transforms")) {
    const auto list = list_of(value["transforms"], where + ".transforms");
    for (size_t i = 0; i < list.size(); ++i)
      out.transforms.push_back(
          choice_of(list[i], where + ".transforms[" + std::to_string(i + 1) + "]"));
  }
  if (value.contains("keep")) {
    out.keep.clear();
    const auto list = list_of(value["keep"], where + ".keep");
    for (const auto &item : list) {
      out.keep.push_back(text_of(item, where + ".keep"));
      matches_linear(out.keep.back(), "", "");  // throws now if the expression cannot be read
    }
  }
  if (!value.contains("overrides")) return;
  const auto list = list_of(value["overrides"], where + ".overrides");
  for (size_t i = 0; i < list.size(); ++i) {
    const auto place = where + ".overrides[" + std::to_string(i + 1) + "]";
    const auto item = object_of(list[i], place);
    refuse_unknown_keys(item, std::array{"match", "config"}, place);
    if (!item.contains("match")) throw error(error_kind::usage, "no 'match'").at(place);
    linear_override rule{text_of(item["match"], place + ".match"), json::object()};
    matches_linear(rule.match, "", "");
    if (item.contains("config")) rule.config = object_of(item["config"], place + ".config");
    out.overrides.push_back(std::move(rule));
  }
}

}  // namespace

recipe recipe::from_json(const json &value, const std::string &where) {
  if (!value.is_object()) throw wrong_type(where, "an object", value);
  refuse_unknown_keys(value, k_keys, where);
  recipe out;
  if (value.contains("method")) out.method = text_of(value["method"], where + ".method");
  if (value.contains("quantizer") && !value["quantizer"].is_null() &&
      !(value["quantizer"].is_structured() && value["quantizer"].empty()))
    out.quantizer = choice_of(value["quantizer"], where + ".quantizer");
  if (value.contains("activation")) out.activation = value["activation"];
  if (value.contains("kv")) out.kv = value["kv"];
  if (value.contains("tune")) out.tune = value["tune"];
  read_lists(out, value, where);
  if (value.contains("propagation"))
    out.propagation = propagation_of(value["propagation"], where + ".propagation");
  out.first_token_weight = share_of(value, "sink_weight", out.first_token_weight, where);
  out.min_token_ratio = share_of(value, "min_token_ratio", out.min_token_ratio, where);
  out.embeddings = flag_of(value, "embeddings", out.embeddings, where);
  out.routers = flag_of(value, "routers", out.routers, where);
  if (value.contains("experts"))
    out.experts =
        expert_policy_of(text_of(value["experts"], where + ".experts"), where + ".experts");
  if (value.contains("ragged"))
    out.ragged_error = refuses_ragged(value["ragged"], where + ".ragged");
  if (value.contains("seed")) {
    if (!value["seed"].is_number_integer() || value["seed"].get<int64_t>() < 0)
      throw wrong_type(where + ".seed", "a whole number of at least 0", value["seed"]);
    out.seed = value["seed"].get<uint64_t>();
  }
  return out;
}

json recipe::to_json() const {
  const auto choice = [](const component_choice &c) {
    return json{{"id", c.id}, {"config", c.config}};
  };
  json list = json::array(), rules = json::array();
  for (const auto &transform : transforms) list.push_back(choice(transform));
  for (const auto &rule : overrides)
    rules.push_back({{"match", rule.match}, {"config", rule.config}});
  return {{"method", method},
          {"quantizer", quantizer ? choice(*quantizer) : json()},
          {"transforms", list},
          {"activation", activation},
          {"kv", kv},
          {"tune", tune},
          {"keep", keep},
          {"overrides", rules},
          {"propagation", propagation_name(propagation)},
          {"sink_weight", first_token_weight},
          {"min_token_ratio", min_token_ratio},
          {"experts", expert_policy_name(experts)},
          {"routers", routers},
          {"embeddings", embeddings},
          {"ragged", ragged_error ? "error" : "short"},
          {"seed", seed}};
}

const char *propagation_name(propagation_policy policy) {
  switch (policy) {
    case propagation_policy::fp:
      return "fp";
    case propagation_policy::quantized:
      return "quantized";
    case propagation_policy::asymmetric:
      return "asymmetric";
  }
  return "?";
}

std::string recipe::hash() const {
  json value = to_json();
  value.erase("method");
  return sha256_hex(canonical_json(value));
}

bool matches_linear(const std::string &pattern, const std::string &name, const std::string &role) {
  if (pattern.rfind("re:", 0) != 0) return pattern == name || pattern == role;
  try {
    return std::regex_match(name, std::regex(pattern.substr(3), std::regex::ECMAScript));
  } catch (const std::regex_error &problem) {
    throw error(error_kind::usage, "'" + pattern + "' is no regular expression")
        .cause(problem.what());
  }
}

bool is_kept(const recipe &recipe, const std::string &name, const std::string &role) {
  if (role == model::k_router_role && !recipe.routers) return true;
  return std::any_of(recipe.keep.begin(), recipe.keep.end(), [&](const std::string &pattern) {
    return matches_linear(pattern, name, role);
  });
}

json config_for_linear(const recipe &recipe, const std::string &name, const std::string &role) {
  if (!recipe.quantizer) return json::object();
  json config = recipe.quantizer->config;
  for (const auto &rule : recipe.overrides)
    if (matches_linear(rule.match, name, role)) config.update(rule.config);
  return config;
}

namespace {

// True if the transform declares that it looks at one block at a time.
bool by_block(const std::string &transform) {
  return plug::plugins().find(plug::kind::transform, transform).facts.value("by_block", false);
}

}  // namespace

std::string needs_whole_model(const recipe &recipe) {
  for (const auto &choice : recipe.transforms)
    if (!by_block(choice.id)) return "the transform '" + choice.id + "'";
  if (!recipe.tune.is_null()) return "a tune";
  return "";
}

void require_by_block(const recipe &recipe, bool has_folder) {
  if (const auto reason = needs_whole_model(recipe); !reason.empty())
    throw error(error_kind::usage, "a model that is read block by block cannot take " + reason)
        .at("recipe")
        .hint("Load it without on_demand");
  if (!has_folder && !recipe.transforms.empty())
    throw error(error_kind::usage,
                "a model that is read block by block needs a folder on disk for its edited blocks")
        .at("recipe.transforms")
        .hint("Give quantize a resume folder");
  if (!has_folder && recipe.embeddings)
    throw error(error_kind::usage,
                "a model that is read block by block needs a folder on disk for its quantized "
                "embedding")
        .at("recipe.embeddings")
        .hint("Give quantize a resume folder");
}

}  // namespace assay::quant
