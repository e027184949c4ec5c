// Tests that chat templates render as in transformers, for every construct and for whole conversations.
// Limits and error texts are tested in template_test.cpp.

#include "catch.hpp"
#include "core/error.hpp"
#include "text/chat_template.hpp"
#include "text_golden.hpp"

namespace assay::text {
namespace {

std::tm golden_clock() {  // 2024-07-26 10:00, a Friday
  std::tm tm{};
  tm.tm_year = 124;
  tm.tm_mon = 6;
  tm.tm_mday = 26;
  tm.tm_hour = 10;
  tm.tm_wday = 5;
  tm.tm_yday = 207;
  return tm;
}

void check(const std::string &source, const json &special, const json &context,
           const json &answer) {
  INFO(source);
  std::string got;
  bool failed = false;
  try {
    chat_template compiled(source, special);
    compiled.set_now(golden_clock());
    got = compiled.render(context);
  } catch (const error &e) {
    failed = true;
    got = e.what();
  }
  INFO(got);
  CHECK(failed == answer.contains("fails"));
  if (!answer.contains("fails")) CHECK(got == answer["text"].get<std::string>());
}

}  // namespace

TEST_CASE("Every construct of the template language renders as in transformers, or fails in both") {
  const json data = golden("templates.json");
  REQUIRE(data["cases"].size() >= 150);
  for (const json &c : data["cases"])
    check(c["template"].get<std::string>(), data["special"], data["context"], c);
}

TEST_CASE("Conversations with tools and thinking render as in transformers") {
  const json data = golden("templates.json");
  REQUIRE(data["chats"].size() >= 30);
  for (const json &c : data["chats"])
    check(data["chat_templates"][c["name"].get<std::string>()].get<std::string>(), data["special"],
          c["context"], c);
}

}  // namespace assay::text
