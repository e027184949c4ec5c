// The base class of the metrics of this plugin. A metric reads the record of each sample (one question of a task) and gives one
// score for each of its numbers. plugin.cpp connects these classes with the C ABI.
#pragma once

#include <assay.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "assay_json.hpp"

namespace answers {

using assay_cpp::argument_problem;
using assay_cpp::numerical_problem;

// A number that a metric gives, such as "acc". Its value is the mean of the scores of all samples. For kind "ratio" it is the
// sum of the scores divided by the sum of the weights. assay/metric.h lists units, directions, kinds and intervals.
struct number {
  explicit number(std::string name_, std::string unit_ = "fraction",
                  std::string direction_ = "higher", std::string kind_ = "binary",
                  std::string interval_ = "wilson")
      : name(std::move(name_)),
        unit(std::move(unit_)),
        direction(std::move(direction_)),
        kind(std::move(kind_)),
        interval(std::move(interval_)) {}
  std::string name, unit, direction, kind, interval, summary;
};

class metric {
 public:
  virtual ~metric() = default;
  // The names and properties of the numbers that this metric gives.
  virtual std::vector<number> declared() const = 0;
  // The scores of one sample, in the order of declared().
  struct row {
    std::vector<double> scores;
    // for the numbers of kind "ratio" only, in the order of declared()
    std::vector<double> weights;
  };
  // `index` is the number of the sample, for messages.
  virtual row score(int64_t index, const assay_json::value &record) = 0;
  virtual std::string note() const { return "{}"; }  // JSON for the report, after all samples
  virtual void clear() {}                            // before a new evaluation
};

std::unique_ptr<metric> make_exact_match(const assay_json::value &config);
std::unique_ptr<metric> make_squad(const assay_json::value &config);
std::unique_ptr<metric> make_choice(const assay_json::value &config);
std::unique_ptr<metric> make_math(const assay_json::value &config);
std::unique_ptr<metric> make_text_statistics(const assay_json::value &config);

// These functions return the member `key` of a record. If the member is absent or has another type, they throw
// argument_problem, whose message has the number of the sample.
const std::string &text_of(const assay_json::value &record, int64_t index, const char *key);
std::vector<std::string> texts_of(const assay_json::value &record, int64_t index, const char *key);
std::vector<double> numbers_of(const assay_json::value &record, int64_t index, const char *key);

}  // namespace answers
