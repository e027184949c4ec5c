// Tests JSON parsing, and canonical text: each value has exactly one, and hashes are computed from it.
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

TEST_CASE("the parser gives the values of nlohmann's own, also for long objects with equal keys") {
  std::string text = "{";
  for (int i = 0; i < 200; ++i)  // from the 121st on, keys come a second time
    text += (i == 0 ? "" : ",") + json("key " + std::to_string(i % 120)).dump() + ": [" +
            std::to_string(i) +
            R"(, {"deep": {"x": -1.5e3, "y": null, "x": true}}, "\u00e9\n", []])";
  text += "}";
  const json found = parse_json(text, "test");
  CHECK(found.size() == 120);
  CHECK(found["key 3"][0] == 123);
  CHECK(found.dump() == json::parse(text).dump());
  for (const char *small :
       {"1", "-7", "18446744073709551615", "1.5", "\"a\"", "true", "null", "[]", "{}", "[[],{}]"})
    CHECK(parse_json(small, "test") == json::parse(small));
  for (const char *bad : {"", "{", "[1,]", "{\"a\" 1}", "1 2", "1e999", "nul", "\"\\ud800\""})
    CHECK_THROWS_WITH(parse_json(bad, "test"), assay_test::contains("test: not valid JSON"));
}

TEST_CASE("canonical text sorts keys at every level and drops blanks") {
  const json value = parse_json(R"({"b": {"z": 1, "y": [ {"q":1,"p":2} ]}, "a": 2.50})", "test");
  CHECK(canonical_json(value) == R"({"a":2.5,"b":{"y":[{"p":2,"q":1}],"z":1}})");
}

TEST_CASE("the error about broken JSON names the place") {
  try {
    parse_json("{\"a\": }", "config.json");
    FAIL("accepted");
  } catch (const assay::error &e) {
    CHECK(e.where() == "config.json");
    CHECK(e.message() == "not valid JSON");
    CHECK(e.cause().find("line 1, column 7") != std::string::npos);
  }
}

TEST_CASE("the cause of a JSON error is short and cuts no character in half") {
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
  const std::string cause = cause_of(wide);  // a JSON text whose closing quote is missing
  CHECK(cause.size() < 260);
  CHECK_NOTHROW(json(cause).dump());  // throws if a character was cut
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

TEST_CASE("every value has a text: bytes that are not UTF-8 are shown as hex") {
  CHECK(assay::json_text({{"path", "caf\xe9/\xc3\xa9"}}) == R"({"path":"caf\\xE9/é"})");
  CHECK(assay::json_text(json::array({"a", json("\xff\xfe")})) == R"(["a","\\xFF\\xFE"])");
  CHECK(assay::json_text({{"\x80", 1}}) == R"({"\\x80":1})");
  CHECK(assay::json_text({{"a", {1, 2}}}, 1) == "{\n \"a\": [\n  1,\n  2\n ]\n}");
  // invalid by RFC 3629: longer than needed, a surrogate, above U+10FFFF, cut off
  CHECK(assay::visible_text("\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82") ==
        "\\xC0\\xAF \\xED\\xA0\\x80 \\xF4\\x90\\x80\\x80 \\xE2\\x82");
  CHECK(assay::visible_text("€ 𝄞 ok") == "€ 𝄞 ok");
}

TEST_CASE("require_utf8_texts names the text that is not UTF-8") {
  CHECK_THROWS_WITH(assay::require_utf8_texts({{"path", "caf\xe9"}}, "text"),
                    "text: 'caf\\xE9' is not UTF-8. Rename it, or make a link with a UTF-8 name");
  CHECK_NOTHROW(assay::require_utf8_texts({{"path", "café"}}, "text"));
}

TEST_CASE(
    "the reason of an exception of the JSON library is given without the library's error number") {
  try {
    (void)json("\xff").dump();
    FAIL("accepted");
  } catch (const std::exception &problem) {
    CHECK(assay::plain_reason(problem) == "invalid UTF-8 byte at index 0: 0xFF");
  }
  CHECK(assay::plain_reason(std::runtime_error("[a] b")) == "[a] b");
}
