// Calls a metric plugin: evaluated samples go in, numbers with one score for each sample come out.
// The room stats/ computes intervals and tests from the scores.
#pragma once

#include <string>
#include <vector>

#include "plug/instance.hpp"

namespace assay::plug {

// A number that the plugin declares, for example "perplexity". plugin_api/assay/metric.h lists the words for direction, kind, link
// and interval; read_number in metric.cpp has checked them.
struct number_declaration {
  std::string name, unit, direction, kind, link, interval, summary;
  double low = 0, high = 1;  // range of the scores of kind "bounded"
};

struct metric_declaration {
  // The per-token values that the metric reads: "nll", "entropy", ...
  std::vector<std::string> arrays;
  std::vector<number_declaration> numbers;
};

struct metric_sample {
  int64_t index = 0;        // position in the task
  std::string record_json;  // prompt, text, choices, ...
  // name -> one float per token
  std::vector<std::pair<std::string, std::vector<float>>> arrays;
};

struct metric_number {
  number_declaration what;
  double value = 0;
  // One for each sample, in order of index; kind "ratio" always has weights
  std::vector<double> scores, weights;
};

struct metric_result {
  std::vector<metric_number> numbers;
  json note = json::object();  // what the plugin noted for the report
};

class metric_instance : public instance {
 public:
  metric_instance(const component &what, const json &config, const instance_options &options = {},
                  const std::string &where = "");

  const metric_declaration &declare();  // calls the plugin only the first time
  // Starts an evaluation and forgets the samples of an earlier one. info: an object with any facts
  // about the evaluation.
  void begin(const json &info);
  void update(const std::vector<metric_sample> &samples);
  metric_result finish();
  // Calls begin, update and finish
  metric_result evaluate(const json &info, const std::vector<metric_sample> &samples);

 private:
  const assay_metric_vtable &table() const;
  metric_declaration declared_;
  int64_t n_samples_ = 0;
};

}  // namespace assay::plug
