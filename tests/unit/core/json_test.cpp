// Promises of JSON parsing and canonical text.
#include "catch.hpp"

#include <limits>

#include "core/error.hpp"
#include "core/json.hpp"

using assay::canonical_json;
using assay::json;
using assay::parse_json;

TEST_CASE("parsing keeps the order of keys") {
  CHECK(parse_json(R"({"b": 1, "a": 2})", "test").dump() == R"({"b":1,"a":2})");
}

TEST_CASE("canonical text sorts keys at every level and drops blanks") {
  const json value = parse_json(R"({"b": {"z": 1, "y": [ {"q":1,"p":2} ]}, "a": 2.50})", "test");
  CHECK(canonical_json(value) == R"({"a":2.5,"b":{"y":[{"p":2,"q":1}],"z":1}})");
}

TEST_CASE("broken JSON names the place") {
  try {
    parse_json("{\"a\": }", "config.json");
    FAIL("accepted");
  } catch (const assay::error &e) {
    CHECK(e.where() == "config.json");
    CHECK(e.message() == "not valid JSON");
    CHECK(e.cause().find("line 1, column 7") != std::string::npos);
  }
}

TEST_CASE("a cause quotes no number of hundreds of digits, and no half character") {
  const auto cause_of = [](const std::string &text) {
    try {
      parse_json(text, "x");
    } catch (const assay::error &e) {
      return e.cause();
    }
    return std::string("accepted");
  };
  CHECK(cause_of("[" + std::string(500, '9') + "]").size() < 260);
  std::string wide = "[\"";
  for (int i = 0; i < 300; ++i) wide += "é";
  const std::string cause = cause_of(wide);  // a text without end
  CHECK(cause.size() < 260);
  CHECK_NOTHROW(json(cause).dump());  // UTF-8
}

TEST_CASE("a NUL byte is not the end of a text") {
  CHECK_THROWS_WITH(parse_json(std::string_view("{}\0{}", 5), "x.json"),
                    assay_test::contains("byte 2 is NUL"));
}

TEST_CASE("nesting that would exhaust the stack is refused") {
  const std::string deep(100000, '[');
  CHECK_THROWS_WITH(parse_json(deep, "x"), "x: JSON is nested deeper than 512 levels");
  const std::string in_string = "\"" + std::string(1000, '[') + "\"";
  CHECK(parse_json(in_string, "x").is_string());
}

TEST_CASE("canonical text refuses bytes that are not UTF-8") {
  CHECK_THROWS(canonical_json(json("\xff")));
}
