// Tests the metric plugin "perplexity": examples computed by hand, the order of samples, refusals. Cross-entropies are
// given here. How the engine computes them is tested in tests/unit/engine.
#include "catch.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "../plugin_harness.hpp"

namespace {

struct number {
  double value = 0.0;
  std::vector<double> scores, weights;
};

// Runs one evaluation over samples that are added with array() or record().
class evaluation {
 public:
  explicit evaluation(const std::string &config = "{}")
      : host_(*harness::component("perplexity", "perplexity"), config) {
    table().create(&host_.table(), config.c_str(), &self_);
    table().begin(self_, "{}");
  }
  ~evaluation() { table().destroy(self_); }
  evaluation(const evaluation &) = delete;
  evaluation &operator=(const evaluation &) = delete;

  int32_t array(int64_t index, std::vector<float> nll, const std::string &record = "") {
    int64_t shape[1] = {static_cast<int64_t>(nll.size())};
    int64_t strides[1] = {1};
    const assay_tensor tensor = {nll.data(), {ASSAY_CPU, 0}, 1, {ASSAY_FLOAT, 32, 1},
                                 shape,      strides,        0};
    const assay_tensor *arrays[1] = {&tensor};
    const char *names[1] = {"nll"};
    const assay_sample sample = {sizeof sample, 1,     index, record.c_str(),
                                 record.size(), names, arrays};
    const assay_sample *samples[1] = {&sample};
    return table().update(self_, samples, 1);
  }
  int32_t record(int64_t index, const std::string &json) {
    const assay_sample sample = {sizeof sample, 0,       index,  json.c_str(),
                                 json.size(),   nullptr, nullptr};
    const assay_sample *samples[1] = {&sample};
    return table().update(self_, samples, 1);
  }
  int32_t finish() {
    assay_metric_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = this;
    sink.number = [](void *ctx, const char *name, double value, int64_t n, const double *scores,
                     const double *weights) -> int32_t {
      number &out = static_cast<evaluation *>(ctx)->numbers[name];
      out.value = value;
      out.scores.assign(scores, scores + n);
      if (weights != nullptr) out.weights.assign(weights, weights + n);
      return ASSAY_OK;
    };
    sink.note = [](void *ctx, const char *json) -> int32_t {
      static_cast<evaluation *>(ctx)->note = json;
      return ASSAY_OK;
    };
    return table().finish(self_, &sink);
  }
  std::string declaration() {
    const char *json = nullptr;
    table().declare(self_, &json);
    return json;
  }

  std::map<std::string, number> numbers;
  std::string note;

 private:
  static const assay_metric_vtable &table() {
    static const auto *component = harness::component("perplexity", "perplexity");
    return *static_cast<const assay_metric_vtable *>(component->vtable);
  }
  harness::configured_host host_;
  void *self_ = nullptr;
};

}  // namespace

TEST_CASE("two windows of cross-entropy 1 and 3 give exp 2", "[perplexity_metric]") {
  evaluation run;
  CHECK(run.array(0, {0.5F, 1.5F}) == ASSAY_OK);
  CHECK(run.array(1, {3.0F, 3.0F, 3.0F}) == ASSAY_OK);
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers["ppl"].value == Approx(std::exp(2.0)));
  CHECK(run.numbers["ce"].value == Approx(2.0));
  CHECK(run.numbers["bits"].value == Approx(2.0 / std::log(2.0)));
  CHECK(run.numbers["ppl"].scores == std::vector<double>{1.0, 3.0});
  CHECK(run.numbers["ppl"].weights.empty());
  CHECK(
      run.note ==
      R"({"tokens":5,"samples":2,"worst":[{"index":1,"cross_entropy":3},{"index":0,"cross_entropy":1}]})");
}

TEST_CASE("uniform logits give the size of the vocabulary as perplexity", "[perplexity_metric]") {
  evaluation run;
  run.array(0, std::vector<float>(64, std::log(49152.0F)));
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers["ppl"].value == Approx(49152.0).epsilon(1e-6));
}

TEST_CASE("weighting by token divides the sum over all tokens by their number",
          "[perplexity_metric]") {
  evaluation run(R"({"weighting":"token"})");
  run.array(0, {1.0F, 1.0F});
  run.array(1, {3.0F, 3.0F, 3.0F, 3.0F});
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(run.numbers["ce"].value == Approx(14.0 / 6.0));
  CHECK(run.numbers["ce"].scores == std::vector<double>{2.0, 12.0});
  CHECK(run.numbers["ce"].weights == std::vector<double>{2.0, 4.0});
}

TEST_CASE("word and byte perplexities divide by the counts of the record", "[perplexity_metric]") {
  evaluation words(R"({"weighting":"token","per":"word"})");
  words.record(0, R"({"nll_sum": 6, "tokens": 5, "words": 3, "bytes": 12})");
  words.record(1, R"({"nll_sum": 2, "tokens": 2, "words": 1, "bytes": 4})");
  REQUIRE(words.finish() == ASSAY_OK);
  CHECK(words.numbers["ppl"].value == Approx(std::exp(2.0)));
  evaluation bytes(R"({"weighting":"token","per":"byte"})");
  bytes.array(0, {6.0F}, R"({"bytes": 12})");
  REQUIRE(bytes.finish() == ASSAY_OK);
  CHECK(bytes.numbers["bits"].value == Approx(0.5 / std::log(2.0)));
}

TEST_CASE("the order of samples does not matter", "[perplexity_metric]") {
  evaluation forward, backward;
  for (int i = 0; i < 5; ++i) {
    forward.record(i, "{\"nll_sum\": " + std::to_string(1 + i) + ", \"tokens\": 3}");
    backward.record(4 - i, "{\"nll_sum\": " + std::to_string(5 - i) + ", \"tokens\": 3}");
  }
  REQUIRE(forward.finish() == ASSAY_OK);
  REQUIRE(backward.finish() == ASSAY_OK);
  CHECK(forward.numbers["ppl"].value == backward.numbers["ppl"].value);
  CHECK(forward.numbers["ppl"].scores == backward.numbers["ppl"].scores);
}

TEST_CASE("numbers that are no log-probabilities stop the evaluation", "[perplexity_metric]") {
  evaluation run;
  const float not_a_number = std::numeric_limits<float>::quiet_NaN();
  CHECK(run.array(3, {1.0F, not_a_number}) == ASSAY_NUMERICAL);
  CHECK(harness::last_failure() == "sample 3, token 1: the log-probability is not finite");
  CHECK(run.array(4, {1.0F, -0.5F}) == ASSAY_NUMERICAL);
  CHECK(harness::last_failure() ==
        "sample 4, token 1: the negative log-likelihood -0.5 is below zero");
}

TEST_CASE("an error names samples that come twice or lack a value", "[perplexity_metric]") {
  evaluation run;
  CHECK(run.finish() == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "there are no samples");
  CHECK(run.record(2, R"({"text": "x"})") == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() ==
        "sample 2 has neither an array 'nll' nor the fields 'nll_sum' and 'tokens'");
  CHECK(run.array(5, {}) == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 5 has no tokens to take a mean over");
  run.array(1, {1.0F});
  run.array(1, {2.0F});
  CHECK(run.finish() == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 1 came twice");
  evaluation words(R"({"per":"word"})");
  CHECK(words.array(0, {1.0F}) == ASSAY_INVALID_ARGUMENT);
  CHECK(harness::last_failure() == "sample 0 has no field 'words'");
}

TEST_CASE("the metric declares what it reads and what it returns", "[perplexity_metric]") {
  evaluation run;
  CHECK(run.declaration().find(R"("arrays":["nll"])") != std::string::npos);
  CHECK(run.declaration().find(
            R"({"name":"ppl","unit":"ppl","direction":"lower","kind":"mean","link":"exp")") !=
        std::string::npos);
  evaluation by_token(R"({"weighting":"token"})");
  CHECK(by_token.declaration().find(R"("kind":"ratio")") != std::string::npos);
}
