// Tests the metric plugin "answers" on published examples: exact match, SQuAD, GSM8K, mathematics, multiple choice.
// Answers and log-likelihoods are given here; no model runs.
#include "catch.hpp"

#include "metric_harness.hpp"

using harness::metric_run;

namespace {

// Returns the string as JSON. It escapes only quotes, backslashes and newlines, which is enough here.
std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

double match(const std::string &prediction, const std::string &gold,
             const std::string &normaliser) {
  metric_run run("answers", "exact_match", "{\"normaliser\":\"" + normaliser + "\"}");
  run.add("{\"prediction\":" + quoted(prediction) + ",\"golds\":[" + quoted(gold) + "]}");
  REQUIRE(run.finish() == ASSAY_OK);
  return run.value("exact_match");
}

bool equal(const std::string &prediction, const std::string &gold,
           const std::string &extract = "none") {
  metric_run run("answers", "math", "{\"extract\":\"" + extract + "\"}");
  run.add("{\"prediction\":" + quoted(prediction) + ",\"gold\":" + quoted(gold) + "}");
  REQUIRE(run.finish() == ASSAY_OK);
  return run.value("correct") == 1.0;
}

bool no_answer(const std::string &prediction, const std::string &extract) {
  metric_run run("answers", "math", "{\"extract\":\"" + extract + "\"}");
  run.add("{\"prediction\":" + quoted(prediction) + ",\"gold\":\"1\"}");
  REQUIRE(run.finish() == ASSAY_OK);
  return run.value("no_answer") == 1.0;
}

}  // namespace

TEST_CASE("SQuAD's normal form is in lower case, without ASCII punctuation and articles",
          "[answers_metric]") {
  for (const char *nothing : {"!!!!!!!!", "...", "the", "A"})
    CHECK(match(nothing, "", "squad") == 1.0);
  CHECK(match("The Eiffel-Tower!", "eiffeltower", "squad") == 1.0);
  CHECK(match("The Eiffel-Tower!", "eiffel tower", "squad") == 0.0);
  CHECK(match("in the 10th and 11th centuries", "in 10th and 11th centuries", "squad") == 1.0);
  CHECK(match("\xE2\x80\x94", "", "squad") == 0.0);  // an em dash is not removed
  CHECK(match("\xE3\x80\x82\xE3\x80\x82", "", "squad") == 0.0);
}

TEST_CASE("token F1 gives the published value", "[answers_metric]") {
  metric_run run("answers", "exact_match", R"({"normaliser":"squad"})");
  run.add(R"({"prediction":"10th and 11th centuries","golds":["the 10th century and the 11th"]})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.value("f1") == Approx(0.75));
}

TEST_CASE("\"!!!!\" is an abstention for SQuAD's official script, but not for assay",
          "[answers_metric]") {
  metric_run run("answers", "squad_v2");
  run.add(R"({"prediction":"!!!!","golds":[]})");
  run.add(R"({"prediction":"Unanswerable ","golds":[]})");
  run.add(R"({"prediction":"in 1817","golds":["1817","in the year 1817"]})");
  run.add(R"({"prediction":"unanswerable","golds":["Bath"]})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers["official_exact"].scores == std::vector<double>{1, 0, 0, 0});
  CHECK(run.numbers["NoAns_accuracy"].scores == std::vector<double>{0, 1, 0, 0});
  CHECK(run.numbers["NoAns_accuracy"].weights == std::vector<double>{1, 1, 0, 0});
  CHECK(run.value("NoAns_accuracy") == Approx(0.5));
  // The best F1 of "in 1817" is that with {in, year, 1817}. The question with the gold answer "Bath" has F1 0.
  CHECK(run.value("HasAns_f1") == Approx(0.5 * (2.0 * 2 / 5)));  // 4/5 and 0
  CHECK(run.value("abstention_precision") == Approx(0.5));
  CHECK(run.value("empty_or_degenerate") == Approx(0.25));
}

TEST_CASE("answering only \"!!\" has an official exact score of 50.07 on SQuAD's development set",
          "[answers_metric]") {
  metric_run run("answers", "squad_v2");
  for (int i = 0; i < 5945; ++i) run.add(R"({"prediction":"!!","golds":[]})");
  for (int i = 0; i < 11873 - 5945; ++i) run.add(R"({"prediction":"!!","golds":["x"]})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.note.find("\"best_exact\":0.5007") != std::string::npos);
  CHECK(run.note.find("\"balanced\":0.000000") != std::string::npos);
}

TEST_CASE("GSM8K extraction, strict and flexible, gives the published strings",
          "[answers_metric]") {
  struct vector {
    const char *text, *strict, *flexible;  // nullptr: no answer
  };
  const vector vectors[] = {{"so 9*2=$18. #### 18", "18", "18"},
                            {"The answer is $3,000.", nullptr, "3000"},
                            {"#### 1,234 \n Question: next 7", "1234", "7"},
                            {"x = 12.50", nullptr, "12.50"},
                            {"#### 18.00", "18.00", "18.00"},
                            {"answer: 1/2", nullptr, "2"}};
  for (const auto &one : vectors) {
    INFO(one.text);
    CHECK(no_answer(one.text, "gsm8k_strict") == (one.strict == nullptr));
    if (one.strict != nullptr) CHECK(equal(one.text, one.strict, "gsm8k_strict"));
    CHECK(equal(one.text, one.flexible, "gsm8k_flexible"));
  }
  CHECK(equal("#### 18.00", "18", "gsm8k_strict"));  // by value
  CHECK(match("18.00", "18", "gsm8k") == 0.0);       // as strings they differ
  CHECK(match("$3,000.", "3000", "gsm8k") == 1.0);
  CHECK_FALSE(
      equal("He has 3,000 dollars...", "3000", "gsm8k_flexible"));  // the last match is "..."
}

TEST_CASE("answers that mean the same are equal", "[answers_metric]") {
  for (const char *half : {"0.5", "\\frac12", "\\frac{1}{2}", "\\dfrac{1}{2}", "50%", "50\\%",
                           "$\\frac{1}{2}$", "2/4"})
    CHECK(equal(half, "1/2"));
  CHECK(equal("1,234", "1234"));
  CHECK(equal("50%", "50"));
  CHECK(equal("1 1/2", "1.5"));
  CHECK(equal("2\\sqrt{3}", "\\sqrt{12}"));
  // A broken model may write such answers. They are nested too deep to be read, so they count as unequal.
  CHECK_FALSE(equal(std::string(400000, '-') + "5", "5"));
  std::string nested;
  for (int i = 0; i < 100000; ++i) nested += "\\frac";
  CHECK_FALSE(equal(nested + "12", "5"));
  CHECK(equal("2\\pi", "6.283185307"));
  CHECK(equal("90^\\circ", "90"));
  CHECK(equal("3e2", "300"));
  CHECK(equal("\\{1,2\\}", "\\{2,1\\}"));
  CHECK(equal("(1, 0.5)", "(1, \\frac{1}{2})"));
  CHECK(equal("x^2+2x+1", "(x+1)^2"));
  CHECK(equal("\\text{Monday}", "Monday"));
}

TEST_CASE("answers that differ are not equal", "[answers_metric]") {
  CHECK_FALSE(equal("(1,2]", "[1,2]"));
  CHECK_FALSE(equal("(1,2)", "(2,1)"));
  CHECK_FALSE(equal("12", "1.2"));
  CHECK_FALSE(equal("x^2+1", "(x+1)^2"));
  CHECK_FALSE(equal("1,2", "12"));
  CHECK_FALSE(equal("Tuesday", "Monday"));
}

TEST_CASE("boxed answers are taken by matching braces", "[answers_metric]") {
  CHECK(equal("so \\boxed{\\frac{1}{2}}.", "1/2", "boxed"));
  CHECK(equal("\\boxed{1} but then \\boxed{2}", "2", "boxed"));
  CHECK(equal("$\\boxed 5$", "5", "boxed"));
  CHECK(no_answer("\\boxed{1", "boxed"));
  CHECK(no_answer("the answer is 5", "boxed"));
  metric_run nested("answers", "math", R"({"extract":"boxed"})");
  nested.add(R"({"prediction":"\\boxed{\\frac{1}{\\boxed{2}}}","gold":"\\frac{1}{\\boxed{2}}"})");
  REQUIRE(nested.finish() == ASSAY_OK);
  CHECK(nested.value("correct") == 1.0);  // the outer box
}

TEST_CASE("normalised accuracy divides by characters, not bytes", "[answers_metric]") {
  metric_run run("answers", "multiple_choice");
  run.add(R"({"choices":["ab","abcdef"],"lls":[-2,-5],"gold":0})");
  run.add(R"({"choices":["éé","abc"],"lls":[-2,-2.9],"gold":1})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers["acc"].scores == std::vector<double>{1, 0});
  CHECK(run.numbers["acc_norm"].scores ==
        std::vector<double>{0, 1});  // -1 against -0.97 per character
  CHECK(run.numbers["acc_bytes"].scores ==
        std::vector<double>{0, 0});  // -0.5 against -0.97 per byte
  CHECK(run.numbers["margin"].scores[0] == Approx(3.0));
}

TEST_CASE("ties are counted, and a log-likelihood that is not finite stops the evaluation",
          "[answers_metric]") {
  metric_run run("answers", "multiple_choice");
  run.add(R"({"choices":["a","b"],"lls":[-1,-1],"gold":1})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.value("ties") == 1.0);
  CHECK(run.value("acc") == 0.0);
  CHECK(run.value("gold_probability") == Approx(0.5));
  CHECK(run.add(R"({"choices":["a","b"],"lls":[null,-1],"gold":1})") == ASSAY_NUMERICAL);
  CHECK(harness::last_failure() == "sample 1: a log-likelihood is not finite");
}

TEST_CASE("an error names the record that lacks what a metric needs", "[answers_metric]") {
  metric_run choice("answers", "multiple_choice");
  CHECK(choice.add(R"({"choices":["a","b"],"lls":[-1],"gold":0})") == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 0 has 1 log-likelihoods for 2 choices");
  CHECK(choice.add(R"({"choices":["a","b"],"lls":[-1,-2]})") == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 1: 'gold' must be the index of a choice");
  metric_run exact("answers", "exact_match");
  CHECK(exact.add(R"({"golds":["a"]})") == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 0 has no text 'prediction'");
  CHECK(exact.finish() == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "there are no samples");
}

TEST_CASE("each sample of mathematics says which of three comparisons found it equal") {
  metric_run run("answers", "math", R"({"extract":"boxed"})");
  run.add(R"({"prediction":"\\boxed{7}","gold":"7"})");
  run.add(R"({"prediction":"\\boxed{0.5}","gold":"\\frac{1}{2}"})");
  run.add(R"({"prediction":"\\boxed{2(x+1)}","gold":"2x+2"})");
  run.add(R"({"prediction":"\\boxed{8}","gold":"7"})");
  run.add(R"({"prediction":"seven","gold":"7"})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers.at("tier").scores == std::vector<double>{1, 2, 3, 0, 0});
}

TEST_CASE("text statistics count tokens, repetition, cut answers and empty answers") {
  metric_run run("answers", "text_statistics");
  run.add(R"({"text":"one two three four five","tokens":7,"finish":"stop"})");
  run.add(R"({"text":"a b c d a b c d a b c d","tokens":12,"finish":"length"})");
  run.add(R"({"text":" \n","tokens":1,"finish":"stop"})");
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers.at("repeated_4grams").scores[0] == 0.0);
  CHECK(run.numbers.at("repeated_4grams").scores[1] == 1.0 - 4.0 / 9.0);
  CHECK(run.numbers.at("truncated").scores == std::vector<double>{0, 1, 0});
  CHECK(run.numbers.at("empty").scores == std::vector<double>{0, 0, 1});
  CHECK(run.value("tokens") == 20.0 / 3.0);
}

TEST_CASE("text statistics need the number of tokens") {
  metric_run run("answers", "text_statistics");
  CHECK(run.add(R"({"text":"hello"})") == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 0 has no number 'tokens'");
}
