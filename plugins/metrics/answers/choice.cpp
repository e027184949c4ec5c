// The metric multiple_choice: the choice with the largest log-likelihood is the answer. The metric gives accuracy (also with
// log-likelihoods divided by the length of the choice) and measures of how sure the model is. It reads no generated text.
#include <algorithm>
#include <cmath>

#include "metric.hpp"
#include "text_normal.hpp"

namespace answers {
namespace {

size_t largest(
    const std::vector<double> &values) {  // of equal ones the first, as in lm-evaluation-harness
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

class choice : public metric {
 public:
  std::vector<number> declared() const override {
    number acc{"acc"}, norm{"acc_norm"}, bytes{"acc_bytes"};
    acc.summary = "the choice with the largest log-likelihood is right";
    norm.summary = "the same per character of the choice";
    bytes.summary = "the same per UTF-8 byte of the choice";
    number margin{"margin", "nats", "none", "mean", "bootstrap"};
    margin.summary = "distance between the two likeliest choices";
    number gold{"gold_probability", "fraction", "higher", "bounded", "bootstrap"};
    gold.summary = "probability of the right choice among the choices";
    number brier{"brier", "fraction", "lower", "mean", "bootstrap"};
    brier.summary = "squared distance of the probabilities from the right choice";
    number ties{"ties", "fraction", "lower"};
    ties.summary = "items whose two likeliest choices are exactly equal";
    return {acc, norm, bytes, margin, gold, brier, ties};
  }

  row score(int64_t index, const assay_json::value &record) override {
    const std::vector<double> lls = numbers_of(record, index, "lls");
    const std::vector<std::string> choices = texts_of(record, index, "choices");
    const std::string place = "sample " + std::to_string(index);
    if (lls.size() != choices.size() || lls.size() < 2)
      throw argument_problem(place + " has " + std::to_string(lls.size()) +
                             " log-likelihoods for " + std::to_string(choices.size()) + " choices");
    // If all were NaN, the first choice would always win, and the result would look like guessing.
    for (const double ll : lls)
      if (!std::isfinite(ll)) throw numerical_problem(place + ": a log-likelihood is not finite");
    const double given = record.number_or("gold", -1.0);
    if (given < 0 || given >= static_cast<double>(lls.size()) || given != std::floor(given))
      throw argument_problem(place + ": 'gold' must be the index of a choice");
    const auto gold = static_cast<size_t>(given);
    std::vector<double> per_character(lls), per_byte(lls);
    for (size_t i = 0; i < lls.size(); ++i) {
      per_character[i] /= static_cast<double>(std::max<size_t>(1, count_characters(choices[i])));
      per_byte[i] /= static_cast<double>(std::max<size_t>(1, choices[i].size()));
    }
    const size_t picked = largest(lls);
    double second = -HUGE_VAL;
    double total = 0.0;
    for (size_t i = 0; i < lls.size(); ++i) {
      if (i != picked) second = std::max(second, lls[i]);
      total += std::exp(lls[i] - lls[picked]);
    }
    double brier = 0.0;
    for (size_t i = 0; i < lls.size(); ++i) {
      const double p = std::exp(lls[i] - lls[picked]) / total;
      brier += (p - (i == gold ? 1.0 : 0.0)) * (p - (i == gold ? 1.0 : 0.0));
    }
    const auto right = [gold](size_t i) { return i == gold ? 1.0 : 0.0; };
    return {{right(picked), right(largest(per_character)), right(largest(per_byte)),
             lls[picked] - second, std::exp(lls[gold] - lls[picked]) / total, brier,
             lls[picked] == second ? 1.0 : 0.0},
            {}};
  }
};

}  // namespace

std::unique_ptr<metric> make_choice(const assay_json::value &) {
  return std::make_unique<choice>();
}

}  // namespace answers
