// Tests numbers as people and models write them: the metric compares their values, not their spelling.
// Formulas and the published rules of extraction are in answers_metric_test.cpp and answers_golden_test.cpp.
#include "catch.hpp"

#include "core/json.hpp"
#include "metric_harness.hpp"

using assay::json;
using harness::metric_run;

namespace {

// rule: the part of the answer that is compared, such as "last_number" or "boxed" (what stands in \boxed{}).
bool right(const std::string &rule, const std::string &answer, const std::string &gold) {
  metric_run run("answers", "math", json{{"extract", rule}}.dump());
  run.add(json{{"prediction", answer}, {"gold", gold}}.dump());
  REQUIRE(run.finish() == ASSAY_OK);
  return run.value("correct") == 1.0;
}

// An answer and the gold answer with which it is compared. With per cent or a word such as "million", both readings
// count: 50% equals 50 and 0.5.
struct reading {
  const char *text, *value;
};

void check_last(std::initializer_list<reading> readings) {
  for (const auto &[text, value] : readings) {
    INFO("the last number of \"" << text << "\" is " << value);
    CHECK(right("last_number", text, value));
  }
}

void check_boxed(std::initializer_list<reading> readings) {
  for (const auto &[text, value] : readings) {
    INFO("\\boxed{" << text << "} is " << value);
    CHECK(right("boxed", std::string("\\boxed{") + text + "}", value));
  }
}

}  // namespace

TEST_CASE("punctuation, quotes, brackets and markup around a number are not part of it") {
  for (const char *text : {"72",
                           "72,",
                           "72.",
                           "72:",
                           "72;",
                           "72!",
                           "72?",
                           "72...",
                           "\"72\"",
                           "'72'",
                           "“72”",
                           "(72)",
                           "[72]",
                           "{72}",
                           "**72**",
                           "__72__",
                           "_72_",
                           "`72`",
                           "*72*.",
                           "<72>",
                           "72\n",
                           " 72 ",
                           "72\u00a0",
                           "\u200b72\u200b",
                           "72。",
                           "72、",
                           "$72$",
                           "\\(72\\)",
                           "\\[72\\]",
                           "x=72",
                           "x = 72",
                           "Answer:72",
                           "#72",
                           "#### 72",
                           "####72",
                           "答案是72。",
                           "７２",
                           "\\boxed{72}",
                           "\\text{72}",
                           "\\textbf{72}",
                           "The total is 72, altogether",
                           "48 + 24 = 72, which is the answer.",
                           "<<48+24=72>>72",
                           "~72",
                           "≈72",
                           "72 (seventy-two)"}) {
    INFO(text);
    CHECK(right("last_number", text, "72"));
    CHECK_FALSE(right("last_number", text, "71"));
  }
}

TEST_CASE("a number is read beside currency, units, ordinal endings and per cent") {
  check_last({{"$72", "72"},
              {"\\$72", "72"},
              {"72$", "72"},
              {"€72", "72"},
              {"72 €", "72"},
              {"£72", "72"},
              {"¥72", "72"},
              {"₹72", "72"},
              {"US$72", "72"},
              {"USD72", "72"},
              {"72 USD", "72"},
              {"Rs. 72", "72"},
              {"$ 72", "72"},
              {"72km", "72"},
              {"72 km", "72"},
              {"72nd", "72"},
              {"72-year-old", "72"},
              {"72°", "72"},
              {"72^\\circ", "72"},
              {"72m²", "72"},
              {"72 cm^2", "72"},
              {"72 \\text{ cm}^2", "72"},
              {"72 m^{2}", "72"},
              {"72 m^{-2}", "72"},
              {"72 g of CO2", "72"},
              {"72%", "72"},
              {"72 %", "72"},
              {"72\\%", "72"},
              {"72 percent", "72"},
              {"50%", "0.5"},
              {"x_1 + x_2 is 72 = x_{3}", "72"}});
}

TEST_CASE(
    "a minus sign, also one written as a dash, belongs to a number; a hyphen, a bullet and a dash "
    "between words do not") {
  check_last({{"-5", "-5"},
              {"−5", "-5"},
              {"–5", "-5"},
              {"– 5", "-5"},
              {"- 5", "-5"},
              {"- 5.", "-5"},
              {"-$5", "-5"},
              {"$-5", "-5"},
              {"−€5", "-5"},
              {"= -5", "-5"},
              {"= - 5", "-5"},
              {"(-5)", "-5"},
              {"x=-5", "-5"},
              {"**-5**", "-5"},
              {"It is -5.", "-5"},
              {"－5", "-5"},
              {"+5", "5"},
              {"It is +5", "5"},
              {"10-5", "5"},
              {"10 - 5", "5"},
              {"10 -5", "5"},
              {"5–10", "10"},
              {"from 5 to 10", "10"},
              {"COVID-19", "19"},
              {"the top-5", "5"},
              {"--5", "5"},
              {"- 5 apples are left", "5"},
              {"The answer – 5 – is", "5"},
              {"So:\n- 5 apples", "5"},
              {"-2 1/2", "-2.5"},
              {"-1/2", "-0.5"},
              {"-1,000", "-1000"}});
}

TEST_CASE("rules decide whether a separator marks thousands or decimals") {
  check_last({{"1,000", "1000"},
              {"$1,000,", "1000"},
              {"1,234,567, no more", "1234567"},
              {"1,000.50", "1000.5"},
              {"1.000,50", "1000.5"},
              {"1.000.000", "1000000"},
              {"1 000", "1000"},
              {"1\u00a0000", "1000"},
              {"1\u2009000", "1000"},
              {"1\u202f234\u202f567", "1234567"},
              {"1 234 567", "1234567"},
              {"1 000,50", "1000.5"},
              {"1'000", "1000"},
              {"1’000.5", "1000.5"},
              {"1_000", "1000"},
              {"12,34,567", "1234567"},
              {"1{,}000", "1000"},
              {"1\\,000", "1000"},
              {"1,\\!000", "1000"},
              {"1.000", "1"},
              {"3,14", "3.14"},
              {"0,5", "0.5"},
              {"0,500", "0.5"},
              {"72.0", "72"},
              {"72.00.", "72"},
              {".5", "0.5"},
              {"5.", "5"},
              {"...5", "5"},
              {"No.5", "5"},
              {"3,4,5", "5"},
              {"3, 4, 5", "5"},
              {"1, 000", "0"},
              {"5 100-calorie meals", "100"},
              {"007", "7"},
              {"12 5", "5"},
              {"0.1", "0.1"}});
}

TEST_CASE("fractions, powers and scale words are read by value") {
  check_last({{"1/2", "0.5"},
              {"1 / 2", "0.5"},
              {"1⁄2", "0.5"},
              {"½", "0.5"},
              {"2½", "2.5"},
              {"2 ½ cups", "2.5"},
              {"2 1/2", "2.5"},
              {"2 1/2.", "2.5"},
              {"\\frac{1}{2}", "0.5"},
              {"$\\dfrac{1}{2}$", "0.5"},
              {"\\frac12", "0.5"},
              {"2\\frac{1}{2}", "2.5"},
              {"\\frac{x}{2}", "2"},
              {"1e3", "1000"},
              {"1E3", "1000"},
              {"1.5e-3", "0.0015"},
              {"1e", "1"},
              {"10^3", "1000"},
              {"10^{3}", "1000"},
              {"10³", "1000"},
              {"10⁻³", "0.001"},
              {"2^10", "1024"},
              {"1.5 × 10^6", "1500000"},
              {"1.5 \\times 10^{6}", "1500000"},
              {"1.5 x 10^6", "1500000"},
              {"1.2 million", "1200000"},
              {"1.2 million", "1.2"},
              {"$1.2\\text{ million}$", "1200000"},
              {"$72k", "72000"},
              {"3 thousand dollars", "3000"},
              {"2 dozen", "24"},
              {"2 dozen", "2"},
              {"12 1/2%", "0.125"},
              {"48/2 = 24", "24"}});
}

TEST_CASE("parts of dates, times, versions and ratios are numbers of their own") {
  check_last({{"3/4/2021", "2021"},
              {"31.12.2021", "2021"},
              {"2021-12-31", "31"},
              {"at 3:45", "45"},
              {"1.2.3", "3"},
              {"2:1", "1"}});
}

TEST_CASE(
    "a text without digits has no last number, and digits in names count only if there are no "
    "others") {
  metric_run run("answers", "math", R"({"extract":"last_number"})");
  for (const char *text : {"no number here, sorry", "", "...", "$", "-", "a,b"})
    run.add(json{{"prediction", text}, {"gold", "1"}}.dump());
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers.at("no_answer").scores == std::vector<double>{1, 1, 1, 1, 1, 1});
  check_last({{"x72", "72"}, {"5 of R2D2", "5"}});
}

TEST_CASE("words and units around a boxed number do not change its value") {
  check_boxed({{"72,", "72"},
               {"\\$72", "72"},
               {"$72$", "72"},
               {"72\\%", "72"},
               {"**72**", "72"},
               {"€72", "72"},
               {"72 \\text{ km}", "72"},
               {"72\\text{ m}", "72"},
               {"5\\,\\text{m}", "5"},
               {"72 \\text{ cm}^2", "72"},
               {"\\text{72 km}", "72"},
               {"72\\ \\mathrm{kg}", "72"},
               {"72km", "72"},
               {"72 km/h", "72"},
               {"72nd", "72"},
               {"x = 72", "72"},
               {"x=72", "72"},
               {"48+24=72", "72"},
               {"72 \\text{ apples}", "72"},
               {"72 apples", "72"},
               {"1,000.00", "1000"},
               {"1.000,50", "1000.5"},
               {"-2 1/2", "-2.5"},
               {"−5", "-5"},
               {"+5", "5"},
               {"72", "72 \\text{ km}"},
               {"72", "72\\%"},
               {"50\\%", "1/2"},
               {"1.2 million", "1200000"},
               {"10^{12}", "1e12"},
               {"10^12", "10^{12}"},
               {"72", "\\$72"},
               {"72.", "72,"},
               {"-\\frac{1}{2}", "-0.5"},
               {"1\u00a0000", "1000"}});
}

TEST_CASE("an answer that means something else is not taken for its number") {
  for (const auto &[text, gold] :
       std::initializer_list<reading>{{"72x", "72"},
                                      {"2xy", "2"},
                                      {"72\\pi", "72"},
                                      {"72π", "72"},
                                      {"\\sqrt{72}", "72"},
                                      {"72!", "72"},
                                      {"x > 72", "72"},
                                      {"x \\neq 72", "72"},
                                      {"x \\le 72", "72"},
                                      {"72 or 73", "72"},
                                      {"f(72)", "72"},
                                      {"x=5, y=72", "72"},
                                      {"x^2=5 or x=72", "72"},
                                      {"72_8", "72"},
                                      {"72_{8}", "72"},
                                      {"\\pm 72", "72"},
                                      {"2x+72", "72"},
                                      {"\\log 72", "72"},
                                      {"72", "72x"},
                                      {"72", "72\\pi"},
                                      {"71,", "72"},
                                      {"$71", "72"},
                                      {"72 \\text{ miles}", "72 \\text{ km}"},
                                      {"50\\%", "50 \\text{ million}"},
                                      {"Monday", "1"},
                                      {"1,2", "12"},
                                      {"72 \\text{ and } 73", "72"},
                                      {"7", "Day 7 of the week"}}) {
    INFO("\\boxed{" << text << "} is not " << gold);
    CHECK_FALSE(right("boxed", std::string("\\boxed{") + text + "}", gold));
  }
}

TEST_CASE("without a boxed answer, the last number is read by the same rules") {
  CHECK(right("boxed_or_last_number", "The answer is 72, in total.", "72"));
  CHECK(right("boxed_or_last_number", "He has 3,000 dollars...", "3000"));
  // The rule gsm8k_flexible extracts the number with the comma behind it. The comparison is by value.
  CHECK(right("gsm8k_flexible", "The answer is 72, in total.", "72"));
  CHECK(right("gsm8k_flexible", "It costs $1,000, all told.", "1000"));
  CHECK_FALSE(right("gsm8k_flexible", "It is 71, not more.", "72"));
}
