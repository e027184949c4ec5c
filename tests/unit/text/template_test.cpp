// Tests chat templates: errors with their line, limits of steps and memory, variables, the clock.
// template_golden_test.cpp compares rendered texts with transformers.

#include "catch.hpp"
#include "core/error.hpp"
#include "text/chat_template.hpp"

namespace assay::text {
namespace {

std::string render(const std::string &source, const json &context = json::object(),
                   const template_limits &limits = {}) {
  chat_template compiled(source);
  compiled.set_limits(limits);
  return compiled.render(context);
}

std::string complaint(const std::string &source, const json &context = json::object(),
                      const template_limits &limits = {}) {
  try {
    render(source, context, limits);
  } catch (const error &e) {
    CHECK(e.kind() == error_kind::failed);
    return e.what();
  }
  return "no error";
}

constexpr const char *k_steps =
    "the template uses more evaluation steps than allowed. a template should not loop or build "
    "texts "
    "without end";
constexpr const char *k_memory =
    "the template uses more memory than allowed. a template should not loop or build texts without "
    "end";

}  // namespace

TEST_CASE("Errors name the construct and the template's line") {
  CHECK(complaint("a\n{% include 'x' %}") ==
        "chat template line 2: the tag 'include' is not supported");
  CHECK(complaint("\n\n{{ 1 | pprint }}") ==
        "chat template line 3: the filter 'pprint' is not supported");
  CHECK(complaint("{{ [1] | batch('2') | list }}") ==
        "chat template line 1: filter 'batch': 'linecount' must be int, not str");
  CHECK(complaint("{{ 'a' | replace('a') }}") ==
        "chat template line 1: filter 'replace' needs its argument 'new'");
  CHECK(complaint("{{ 1 is odder }}") == "chat template line 1: the test 'odder' is not supported");
  CHECK(complaint("{{ 'a'.encode() }}") ==
        "chat template line 1: the method 'encode' of 'str' is not supported");
  CHECK(complaint("{% set x = [] %}\n{% set y = x.append(1) %}") ==
        "chat template line 2: the method 'append' of 'list' is not supported: templates may not "
        "change "
        "their variables");
  CHECK(complaint("{{ lipsum() }}") ==
        "chat template line 1: the function 'lipsum' is not supported");
  CHECK(complaint("{% for m in messages %}\n{% if m.role %}\n{% endfor %}") ==
        "chat template line 3: unknown tag 'endfor'");
  CHECK(
      complaint("x\n{{ messages[0].content.strip() + 1 }}", {{"messages", {{{"content", "a"}}}}}) ==
      "chat template line 2: '+' is not possible between 'str' and 'int'");
  CHECK(complaint("{{ raise_exception('roles must alternate') }}") ==
        "chat template line 1: the template refuses this conversation: roles must alternate");
  CHECK(complaint("{{ ('<b>' | safe).split('b') }}")
            .find("a text from the filter 'safe' or 'escape' is used for more than printing") == 0);
  CHECK(complaint("{{ \"\\N{DASH}\" }}") ==
        "chat template line 1: the escape \\N{...} in a string, which is not supported");
  CHECK(complaint("\xFF") ==
        "the chat template is not UTF-8: bad byte at offset 0. convert it first, for example with "
        "iconv "
        "-f LATIN1 -t UTF-8");
  CHECK(complaint("{{ x }}", {{"x", "\xE9"}}).find("a template variable is not UTF-8") == 0);
}

TEST_CASE("No template loops for ever") {
  template_limits limits;
  limits.steps = 100'000;
  const json context = json::object();
  CHECK(complaint("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
                  context, limits) == k_steps);
  CHECK(complaint("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + "
                  "ns.x %}{% endfor %}",
                  context, limits) == k_steps);
  CHECK(
      complaint("{% set s = 'ab' * 1000000 %}{% for i in range(99999) %}{{ 'x' in s }}{% endfor %}",
                context, limits) == k_steps);
  CHECK(complaint("{% set x = [1] %}{% set ns = namespace(x=x) %}{% for i in range(50) %}"
                  "{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == [ns.x] }}{{ ns.x }}",
                  context, limits) == k_steps);
}

TEST_CASE("No template exhausts memory") {
  template_limits limits;
  limits.value_bytes = 1 << 20;
  const json context = json::object();
  CHECK(complaint("{{ 'a' * 1000000000 }}", context, limits) == k_memory);
  CHECK(complaint("{{ ['a'] * 100000000 }}", context, limits) == k_memory);
  CHECK(
      complaint("{{ ('%1000d' * 999) | format(1) }}{{ 'a' | center(999999999) }}", context, limits)
          .find("not enough arguments") != std::string::npos);
  CHECK(complaint("{{ 'a' | center(999999999) }}", context, limits) == k_memory);
  CHECK(complaint("{{ ('a' * 9999).replace('a', 'b' * 9999) }}", context, limits) == k_memory);
  CHECK(complaint("{{ (('a,' * 9999).split(',')) | join('b' * 9999) }}", context, limits) ==
        k_memory);
  CHECK(complaint("{% set ns = namespace(s='a') %}{% for i in range(40) %}{% set ns.s = ns.s ~ "
                  "ns.s %}{% endfor %}",
                  context, limits) == k_memory);
  template_limits small;
  small.output_bytes = 1000;
  CHECK(complaint("{% for i in range(2000) %}x{% endfor %}", context, small) ==
        "chat template line 1: the template's output is larger than allowed");
}

TEST_CASE("No template recurses without end") {
  CHECK(complaint("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}") ==
        "chat template line 1: the template nests or recurses too deeply");
  CHECK(complaint("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}") ==
        "chat template line 1: the template nests or recurses too deeply");
  const std::string deep = std::string(100'000, '(') + std::string(100'000, ')');
  CHECK(complaint("{{ " + deep + " }}") ==
        "chat template line 1: expressions or blocks nested deeper than 100 levels");
  CHECK(complaint("{{ " + std::string(100'000, '[') + std::string(100'000, ']') + " }}")
            .find("nested deeper") != std::string::npos);
  CHECK(complaint("{{ " + std::string(100'000, '-') + "1 }}").find("nested deeper") !=
        std::string::npos);
  std::string blocks, nots = "{{ ", sum = "{{ 1";
  for (int i = 0; i < 2000; ++i) blocks += "{% if 1 %}", nots += "not ";
  for (int i = 0; i < 200'000; ++i) sum += "+1";
  CHECK(complaint(blocks).find("nested deeper") != std::string::npos);
  CHECK(complaint(nots + "1 }}").find("nested deeper") != std::string::npos);
  CHECK(complaint(sum + " }}") ==
        "chat template line 1: the template nests or recurses too deeply");
}

TEST_CASE("Special tokens, tools and kwargs are variables; what is absent is undefined or none") {
  const chat_template compiled(
      "{{ bos_token }}|{{ tools is none }}|{{ documents is none }}|"
      "{{ add_generation_prompt }}|{{ date is defined }}|{{ flag }}",
      {{"bos_token", "<s>"}});
  CHECK(compiled.render(json::object()) == "<s>|True|True|False|False|");
  CHECK(compiled.render(
            {{"tools", json::array()}, {"flag", 1}, {"kwargs", {{"date", "x"}, {"flag", 2}}}}) ==
        "<s>|False|True|False|True|2");
  CHECK(compiled.render({{"kwargs", {{"bos_token", "<b>"}}}}) == "<b>|True|True|False|False|");
  CHECK_THROWS_AS(compiled.render(json::array()), error);
}

TEST_CASE("Keys keep their order, and reasoning gets the names that templates read") {
  const json context = parse_json(
      R"({"messages": [{"role": "assistant", "z": 1, "a": 2, "reasoning": "r"}], "x": {"b": 1, "a": 2}})",
      "");
  CHECK(
      render("{{ messages[0] | tojson }}{{ x }}", context) ==
      R"({"thinking": "r", "role": "assistant", "z": 1, "a": 2, "reasoning": "r", "reasoning_content": "r"})"
      "{'b': 1, 'a': 2}");
}

TEST_CASE("map takes attribute and default in any order, as Jinja2 does") {
  const json context = {{"people", {{{"name", "Ann"}, {"age", 5}}, {{"name", "Bo"}}}}};
  for (const char *arguments : {"attribute='age', default=0", "default=0, attribute='age'"})
    CHECK(render(std::string("{{ people | map(") + arguments + ") | join(',') }}", context) ==
          "5,0");
}

TEST_CASE("strftime_now shows the clock that is set") {
  chat_template compiled("{{ strftime_now('%Y-%m-%d') }}");
  std::tm now{};
  now.tm_year = 126;
  now.tm_mon = 1;
  now.tm_mday = 3;
  compiled.set_now(now);
  CHECK(compiled.render(json::object()) == "2026-02-03");
}

}  // namespace assay::text
