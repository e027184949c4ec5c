// The metric math: finds the answer in the text and compares it with the gold answer in three tiers (math_value.hpp). A sample
// whose gold answer cannot be read is marked, so that the host can leave the sample out when it compares two models.
#include <array>

#include "extract.hpp"
#include "math_value.hpp"
#include "metric.hpp"

namespace answers {
namespace {

class math : public metric {
 public:
  explicit math(const assay_json::value &config) : rule_(config.string("extract")) {}

  std::vector<number> declared() const override {
    number correct{"correct"}, missing{"no_answer", "fraction", "lower"};
    correct.summary = "the extracted answer means the same as the gold answer";
    missing.summary = "texts without an answer in the asked form";
    number odd{"unreadable_prediction", "fraction", "lower"},
        gold{"unreadable_gold", "fraction", "none"};
    odd.summary = "extracted answers that are no number, formula or set";
    gold.summary = "gold answers that are no number, formula or set";
    number tier{"tier", "count", "none", "mean", "bootstrap"};
    tier.summary = "where equality was found: 1 text, 2 value, 3 formulas at points, 0 nowhere";
    return {correct, missing, odd, gold, tier};
  }

  row score(int64_t index, const assay_json::value &record) override {
    const auto found = extract_answer(text_of(record, index, "prediction"), rule_);
    const std::string &gold = text_of(record, index, "gold");
    const math_verdict verdict = grade_math(found.value_or(""), gold);
    const auto tier = static_cast<size_t>(found ? verdict.tier : math_tier::none);
    ++tiers_[tier];
    const bool equal = found && verdict.equal;
    return {{equal ? 1.0 : 0.0, found ? 0.0 : 1.0, found && !verdict.prediction_parsed ? 1.0 : 0.0,
             verdict.gold_parsed || equal ? 0.0 : 1.0, static_cast<double>(tier)},
            {}};
  }

  std::string note() const override {
    std::string out = "{\"tiers\":{";
    for (size_t i = 0; i < tiers_.size(); ++i)
      out += (i == 0 ? "\"" : ",\"") + std::string(name_of(static_cast<math_tier>(i))) +
             "\":" + std::to_string(tiers_[i]);
    return out + "}}";
  }
  void clear() override { tiers_ = {}; }

 private:
  std::string rule_;
  std::array<int64_t, 4> tiers_{};
};

}  // namespace

std::unique_ptr<metric> make_math(const assay_json::value &config) {
  return std::make_unique<math>(config);
}

}  // namespace answers
