// Compares the metric plugin "answers" with the official scorers, which are Python programs, on the same texts
// (tests/golden/make_answer_goldens.py).
#include "catch.hpp"

#include "core/json.hpp"
#include "metric_harness.hpp"

using assay::json;
using harness::metric_run;

namespace {

const json &goldens() {
  static const json all =
      assay::read_json_file(std::string(ASSAY_SOURCE_DIR) + "/tests/golden/answers.json");
  return all;
}

// Returns the exact-match score (1 or 0) of each pair (prediction, gold answer).
std::vector<double> matches(const json &config, const std::vector<std::pair<json, json>> &pairs) {
  metric_run run("answers", "exact_match", config.dump());
  for (const auto &[prediction, gold] : pairs)
    run.add(json{{"prediction", prediction}, {"golds", json::array({gold})}}.dump());
  REQUIRE(run.finish() == ASSAY_OK);
  return run.numbers.at("exact_match").scores;
}

void check_texts(const char *normaliser, size_t column) {
  std::vector<std::pair<json, json>> pairs;
  for (const json &row : goldens()["texts"]) pairs.emplace_back(row[0], row[column]);
  const auto scores = matches({{"normaliser", normaliser}}, pairs);
  REQUIRE(scores.size() > 300);
  for (size_t i = 0; i < scores.size(); ++i) {
    INFO(normaliser << " of " << pairs[i].first.dump() << " is " << pairs[i].second.dump());
    CHECK(scores[i] == 1.0);
  }
}

// In a row of the golden file, column 1 + k has the answer that rule k extracts, and column 3 + k has the scores of
// this answer against each gold answer.
void check_rule(const char *rule, size_t k) {
  for (const json &row : goldens()["answers"]) {
    INFO(rule << " of " << row[0].dump() << " is " << row[1 + k].dump());
    CHECK(matches({{"extract", rule}}, {{row[0], row[1 + k]}}) == std::vector<double>{1.0});
    std::vector<std::pair<json, json>> pairs;
    for (const json &gold : goldens()["golds"]) pairs.emplace_back(row[0], gold);
    CHECK(matches({{"extract", rule}, {"normaliser", "gsm8k"}}, pairs) ==
          row[3 + k].get<std::vector<double>>());
  }
}

}  // namespace

TEST_CASE("SQuAD's normal form equals that of the official program, in many writing systems") {
  check_texts("squad", 1);
}

TEST_CASE("lower case is that of Python, and so is the white space that is cut off at both ends") {
  check_texts("lower", 2);
  check_texts("none", 3);
}

TEST_CASE("two texts that differ after Python's lower case do not match") {
  CHECK(matches({{"normaliser", "squad"}}, {{"Straße", "STRASSE"},
                                            {"Élan vital", "elan vital"},
                                            {"ISPARTA", "ısparta"},
                                            {"10\u2009000", "10000"}}) ==
        std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("GSM8K's strict match equals that of lm-evaluation-harness") {
  check_rule("gsm8k_strict", 0);
}

TEST_CASE("GSM8K's flexible extract equals that of lm-evaluation-harness") {
  check_rule("gsm8k_flexible", 1);
}
