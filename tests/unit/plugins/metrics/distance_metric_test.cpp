// Tests the metric component "distribution_distance": means, percentiles, buckets, refusals.
// The divergences of tokens are given here; the engine's comparison of logits is tested in tests/unit/engine.
#include "catch.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "../plugin_harness.hpp"
#include "assay_json.hpp"

namespace {

class evaluation {
 public:
  evaluation() {
    table().create(&harness::host(), "{}", &self_);
    table().begin(self_, "{}");
  }
  ~evaluation() { table().destroy(self_); }
  evaluation(const evaluation &) = delete;
  evaluation &operator=(const evaluation &) = delete;

  // Adds a window with these divergences of tokens; all other values are the same for every token.
  int32_t add(int64_t index, std::vector<float> kld, float confidence = 0.6F) {
    const size_t n = kld.size();
    std::vector<std::vector<float>> columns = {kld,
                                               std::vector<float>(n, 2.0F),
                                               std::vector<float>(n, 2.5F),
                                               std::vector<float>(n, -0.1F),
                                               std::vector<float>(n, confidence),
                                               std::vector<float>(n, 1.0F),
                                               std::vector<float>(n, 0.8F)};
    const char *names[] = {"kld",           "reference_nll", "own_nll",    "delta_p",
                           "reference_top", "same_top",      "top5_shared"};
    int64_t shape[1] = {static_cast<int64_t>(n)}, strides[1] = {1};
    std::vector<assay_tensor> tensors;
    for (auto &column : columns)
      tensors.push_back(
          {column.data(), {ASSAY_CPU, 0}, 1, {ASSAY_FLOAT, 32, 1}, shape, strides, 0});
    std::vector<const assay_tensor *> arrays;
    for (const auto &tensor : tensors) arrays.push_back(&tensor);
    const assay_sample sample = {sizeof sample, 7, index, "{}", 2, names, arrays.data()};
    const assay_sample *samples[1] = {&sample};
    return table().update(self_, samples, 1);
  }
  int32_t finish() {
    assay_metric_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = this;
    sink.number = [](void *ctx, const char *name, double value, int64_t, const double *,
                     const double *) -> int32_t {
      static_cast<evaluation *>(ctx)->numbers[name] = value;
      return ASSAY_OK;
    };
    sink.note = [](void *ctx, const char *json) -> int32_t {
      static_cast<evaluation *>(ctx)->note = assay_json::parse(json);
      return ASSAY_OK;
    };
    return table().finish(self_, &sink);
  }

  std::map<std::string, double> numbers;
  assay_json::value note;

 private:
  static const assay_metric_vtable &table() {
    static const auto *component = harness::component("distance", "distribution_distance");
    return *static_cast<const assay_metric_vtable *>(component->vtable);
  }
  void *self_ = nullptr;
};

}  // namespace

TEST_CASE("a distance is the mean, over all windows, of the mean of each window") {
  evaluation run;
  REQUIRE(run.add(0, {0.1F, 0.3F}) == ASSAY_OK);
  REQUIRE(run.add(1, {0.4F, 0.4F, 0.4F, 0.4F}) == ASSAY_OK);
  REQUIRE(run.finish() == ASSAY_OK);
  CHECK(std::abs(run.numbers["kld"] - 0.3) < 1e-7);
  CHECK(std::abs(run.numbers["log_ppl_ratio"] - 0.5) < 1e-7);
  CHECK(std::abs(run.numbers["same_top"] - 1.0) < 1e-12);
  CHECK(std::abs(run.numbers["delta_p"] + 0.1) < 1e-7);
}

TEST_CASE("the percentile f lies at position f * (n - 1), interpolated between two values") {
  evaluation run;
  std::vector<float> values;
  for (int i = 0; i <= 100; ++i) values.push_back(static_cast<float>(100 - i));
  REQUIRE(run.add(0, values) == ASSAY_OK);
  REQUIRE(run.finish() == ASSAY_OK);
  const assay_json::value *kld = run.note.find("kld");
  REQUIRE(kld != nullptr);
  CHECK(kld->number_or("p50", -1) == 50);
  CHECK(kld->number_or("p90", -1) == 90);
  CHECK(std::abs(kld->number_or("p99.9", -1) - 99.9) < 1e-6);
  CHECK(kld->number_or("max", -1) == 100);
  CHECK(run.note.number_or("tokens", 0) == 101);
}

TEST_CASE("tokens are sorted into buckets of the reference's confidence") {
  evaluation run;
  REQUIRE(run.add(0, {0.2F, 0.2F}, 0.1F) == ASSAY_OK);
  REQUIRE(run.add(1, {0.4F}, 0.97F) == ASSAY_OK);
  REQUIRE(run.finish() == ASSAY_OK);
  const auto &buckets = run.note.find("buckets")->items;
  REQUIRE(buckets.size() == 5);
  CHECK(buckets[0].number_or("tokens", 0) == 2);
  CHECK(buckets[1].number_or("tokens", -1) == 0);
  CHECK(buckets[1].find("kld_mean")->kind == assay_json::type::null);
  CHECK(buckets[4].number_or("tokens", 0) == 1);
}

TEST_CASE("a divergence that is not finite stops the evaluation, and the error gives its place") {
  evaluation run;
  CHECK(run.add(3, {0.1F, std::numeric_limits<float>::quiet_NaN()}) == ASSAY_NUMERICAL);
  CHECK(harness::last_failure() == "window 3, token 1: 'kld' is not finite");
}
