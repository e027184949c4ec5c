// A metric at work: samples in, numbers with one score for each sample out.
// Intervals and tests over the scores are stats/'s.
#pragma once

#include <string>
#include <vector>

#include "plug/instance.hpp"

namespace assay::plug {

// What declare says of a number, checked.
struct number_declaration {
  std::string name, unit, direction, kind, link, interval, summary;
  double low = 0, high = 1;  // for kind "bounded"
};

struct metric_declaration {
  std::vector<std::string> arrays;
  std::vector<number_declaration> numbers;
};

struct metric_sample {
  int64_t index = 0;
  std::string record_json;
  // name -> one float per token, borrowed for the call
  std::vector<std::pair<std::string, std::vector<float>>> arrays;
};

struct metric_number {
  number_declaration what;
  double value = 0;
  std::vector<double> scores, weights;  // by sample; weights only for kind "ratio"
};

struct metric_result {
  std::vector<metric_number> numbers;
  json note = json::object();
};

class metric_instance : public instance {
 public:
  metric_instance(const component &what, const json &config, const instance_options &options = {},
                  const std::string &where = "");

  const metric_declaration &declare();
  void begin(const json &info);
  void update(const std::vector<metric_sample> &samples);
  metric_result finish();
  metric_result evaluate(const json &info, const std::vector<metric_sample> &samples);  // all three

 private:
  const assay_metric_vtable &table() const;
  metric_declaration declared_;
  int64_t n_samples_ = 0;
};

}  // namespace assay::plug
