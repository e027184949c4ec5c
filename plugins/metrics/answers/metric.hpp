// What every metric of this plugin is: reads records, gives numbers with one score per sample.
// Not the ABI: plugin.cpp carries these classes across it.
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

// A number of a metric. The host's value is the mean of the scores; for kind "ratio" it is the sum of
// the scores over the sum of the weights.
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
  // Names, units and kinds, without scores: what it will give.
  virtual std::vector<number> declared() const = 0;
  // Scores of one record, in the order of declared().
  struct row {
    std::vector<double> scores;
    // of the numbers of kind "ratio", in order of declared(); empty if none
    std::vector<double> weights;
  };
  virtual row score(int64_t index, const assay_json::value &record) = 0;
  virtual std::string note() const { return "{}"; }  // JSON, after all records
  virtual void clear() {}
};

std::unique_ptr<metric> make_exact_match(const assay_json::value &config);
std::unique_ptr<metric> make_squad(const assay_json::value &config);
std::unique_ptr<metric> make_choice(const assay_json::value &config);
std::unique_ptr<metric> make_math(const assay_json::value &config);
std::unique_ptr<metric> make_text_statistics(const assay_json::value &config);

// Members of a record; they throw argument_problem with the sample's number.
const std::string &text_of(const assay_json::value &record, int64_t index, const char *key);
std::vector<std::string> texts_of(const assay_json::value &record, int64_t index, const char *key);
std::vector<double> numbers_of(const assay_json::value &record, int64_t index, const char *key);

}  // namespace answers
