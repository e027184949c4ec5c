// Tests JSON schemas of configurations: what is accepted, which defaults are filled in, and each message word for word.
#include "core/schema.hpp"

#include "catch.hpp"

#include "core/error.hpp"

using assay::error;
using assay::error_kind;
using assay::json;
using assay::schema;

namespace {

const char *const k_schema = R"({
  "type": "object",
  "properties": {
    "bits": {"type": "integer", "minimum": 2, "maximum": 8, "default": 4, "description": "width of a code"},
    "group_size": {"type": "integer", "minimum": 0, "default": 128, "x-unit": "columns"},
    "mode": {"type": "string", "enum": ["symmetric", "asymmetric"], "default": "symmetric"},
    "damp": {"type": "number", "minimum": 0, "maximum": 1},
    "name": {"type": "string", "description": "what to call it"},
    "search": {"type": "object", "properties": {"steps": {"type": "integer", "default": 20}}, "default": {}},
    "seeds": {"type": "array", "items": {"type": "integer", "multipleOf": 2}},
    "limit": {"type": ["integer", "null"], "default": null},
    "free": {"type": "object"}
  },
  "required": ["name"]
})";

// Checks a configuration against k_schema. Returns the error's text, or "accepted".
std::string message_of(const char *config) {
  try {
    schema::parse(k_schema, "rtn").complete(json::parse(config), "study.lua:7");
  } catch (const error &failure) {
    CHECK(failure.kind() == error_kind::usage);
    return failure.what();
  }
  return "accepted";
}

// Reads a schema. Returns the error's text, or "accepted".
std::string schema_message(const char *text) {
  try {
    schema::parse(text, "rtn.assay.so");
  } catch (const error &failure) {
    CHECK(failure.kind() == error_kind::plugin);
    return failure.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("defaults are filled in and keys come in the order of the schema") {
  const json config =
      schema::parse(k_schema, "").complete(json::parse(R"({"name": "x", "bits": 3})"), "");
  CHECK(
      config.dump() ==
      R"({"bits":3,"group_size":128,"mode":"symmetric","name":"x","search":{"steps":20},"limit":null})");
}

TEST_CASE("a float with a whole value counts as an integer, as in JSON Schema") {
  const json config =
      schema::parse(k_schema, "").complete(json::parse(R"({"name": "x", "bits": 3.0})"), "");
  CHECK(config["bits"].is_number_integer());
}

TEST_CASE("an object without properties takes any key") {
  CHECK(message_of(R"({"name": "x", "free": {"a": [1, {}]}})") == "accepted");
}

TEST_CASE("one value of a range can be excluded, and the message says what the key means") {
  const schema rule = schema::parse(
      R"({"type": "object", "properties": {"size": {"type": "integer", "minimum": -1,
          "not": {"const": 0}, "default": -1, "description": "columns; -1 = the whole row"}}})",
      "");
  CHECK(rule.complete(json::parse(R"({"size": -1})"), "")["size"] == -1);
  CHECK_THROWS_WITH(rule.complete(json::parse(R"({"size": 0})"), "study.lua:7"),
                    "study.lua:7: `size` must not be 0. It means: columns; -1 = the whole row");
  CHECK_THROWS_WITH(schema::parse(R"({"not": {"type": "null"}})", "x"),
                    "x: bad schema: `not` must be an object whose only key is `const`");
  CHECK_THROWS_WITH(schema::parse(R"({"default": 0, "not": {"const": 0}})", "x"),
                    "x: bad schema: the default breaks the rule: the configuration must not be 0");
}

TEST_CASE("each mistake has its message") {
  CHECK(message_of(R"({"name": "x", "groupsize": 64})") ==
        "study.lua:7: unknown key `groupsize`. Did you mean 'group_size'?");
  CHECK(message_of(R"({"name": "x", "group": 64})") ==
        "study.lua:7: unknown key `group`. Did you mean 'group_size'?");
  CHECK(message_of(R"({"name": "x", "search": {"stpes": 64}})") ==
        "study.lua:7: unknown key `search.stpes`. Did you mean 'steps'?");
  CHECK(message_of(R"({"name": "x", "qqqq": 1})") ==
        "study.lua:7: unknown key `qqqq`. Known: bits, group_size, mode, damp, name, search, "
        "seeds, limit, free");
  CHECK(message_of(R"({"name": "x", "bits": "4"})") ==
        "study.lua:7: `bits` must be an integer, not \"4\"");
  CHECK(message_of(R"({"name": "x", "bits": 2.5})") ==
        "study.lua:7: `bits` must be an integer, not 2.5");
  CHECK(message_of(R"({"name": "x", "bits": 1})") ==
        "study.lua:7: `bits` must be at least 2, not 1");
  CHECK(message_of(R"({"name": "x", "bits": 16})") ==
        "study.lua:7: `bits` must be at most 8, not 16");
  CHECK(message_of(R"({"name": "x", "group_size": -1})") ==
        "study.lua:7: `group_size` must be at least 0 columns, not -1");
  CHECK(message_of(R"({"name": "x", "mode": "symetric"})") ==
        "study.lua:7: `mode` must be one of \"symmetric\", \"asymmetric\", not \"symetric\". Did "
        "you mean \"symmetric\"?");
  CHECK(message_of(R"({"name": "x", "seeds": [2, 3]})") ==
        "study.lua:7: `seeds[1]` must be a multiple of 2, not 3");
  CHECK(message_of(R"({"name": "x", "limit": "no"})") ==
        "study.lua:7: `limit` must be an integer or null, not \"no\"");
  CHECK(message_of("{}") == "study.lua:7: `name` is required. It means: what to call it");
  CHECK(message_of("[]") == "study.lua:7: the configuration must be an object, not an array");
}

TEST_CASE(
    "a schema that is wrong or outside the subset of JSON Schema that assay reads is refused") {
  CHECK(schema_message(R"({"type": "object", "properties": {"a": {"oneOf": []}}})") ==
        "rtn.assay.so: bad schema of `a`: `oneOf` is not in the subset of JSON Schema that assay "
        "reads");
  CHECK(schema_message(R"({"type": "objekt"})") ==
        "rtn.assay.so: bad schema: `type` \"objekt\" is not a type");
  CHECK(
      schema_message(
          R"({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3, "default": 2}}})") ==
      "rtn.assay.so: bad schema of `a`: the default breaks the rule: `a` must be at least 3, not "
      "2");
  CHECK(schema_message(R"({"type": "object", "properties": {}, "required": ["a"]})") ==
        "rtn.assay.so: bad schema: `required` names \"a\", which is not a property");
}
