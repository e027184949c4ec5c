// Runs a metric component over JSON records and collects its numbers, for the tests of metric plugins. It passes no
// arrays, so it cannot run metrics that need arrays.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "../plugin_harness.hpp"

namespace harness {

struct number {
  double value = 0.0;
  std::vector<double> scores, weights;
};

class metric_run {
 public:
  metric_run(const std::string &plugin, const std::string &id, const std::string &config = "{}")
      : table_(*static_cast<const assay_metric_vtable *>(component(plugin, id)->vtable)) {
    status =
        table_.create(&host(), completed(*component(plugin, id), config).dump().c_str(), &self_);
    if (status == ASSAY_OK) table_.begin(self_, "{}");
  }
  ~metric_run() {
    if (self_ != nullptr) table_.destroy(self_);
  }
  metric_run(const metric_run &) = delete;
  metric_run &operator=(const metric_run &) = delete;

  int32_t add(const std::string &json) {
    const assay_sample sample = {sizeof sample, 0,       n_++,   json.c_str(),
                                 json.size(),   nullptr, nullptr};
    const assay_sample *samples[1] = {&sample};
    return table_.update(self_, samples, 1);
  }
  int32_t finish() {
    assay_metric_sink sink{};
    sink.struct_size = sizeof sink;
    sink.ctx = this;
    sink.number = [](void *ctx, const char *name, double value, int64_t n, const double *scores,
                     const double *weights) -> int32_t {
      number &out = static_cast<metric_run *>(ctx)->numbers[name];
      out.value = value;
      out.scores.assign(scores, scores + n);
      if (weights != nullptr) out.weights.assign(weights, weights + n);
      return ASSAY_OK;
    };
    sink.note = [](void *ctx, const char *json) -> int32_t {
      static_cast<metric_run *>(ctx)->note = json;
      return ASSAY_OK;
    };
    return table_.finish(self_, &sink);
  }
  double value(const std::string &name) { return numbers.at(name).value; }

  int32_t status = 0;
  std::map<std::string, number> numbers;
  std::string note;

 private:
  const assay_metric_vtable &table_;
  void *self_ = nullptr;
  int64_t n_ = 0;
};

}  // namespace harness
