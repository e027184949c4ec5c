// The metric squad_v2, for SQuAD v2, in which some questions have no answer. It scores by our rule and by the official
// script. The script takes an empty answer for "no answer". By our rule a model must say one of the declared words
// (option `abstentions`) instead.
#include <algorithm>
#include <cmath>

#include "metric.hpp"
#include "text_normal.hpp"

namespace answers {
namespace {

class squad : public metric {
 public:
  explicit squad(const assay_json::value &config) {
    const assay_json::value *words = config.find("abstentions");
    if (words != nullptr)
      for (const auto &word : words->items) abstentions_.push_back(lower_case(trimmed(word.text)));
  }

  std::vector<number> declared() const override {
    const auto on_subset = [](const char *name, const char *summary) {
      number out{name, "fraction", "higher", "ratio", "bootstrap"};
      out.summary = summary;
      return out;
    };
    number exact{"official_exact"}, f1{"official_f1", "fraction", "higher", "bounded", "bootstrap"};
    exact.summary = "exact match of the official script, which credits empty answers";
    f1.summary = "F1 of the official script";
    number broken{"empty_or_degenerate", "fraction", "lower"};
    broken.summary = "predictions that are empty or have nothing left after normalising";
    return {on_subset("HasAns_exact", "exact match on answerable questions"),
            on_subset("HasAns_f1", "F1 on answerable questions"),
            on_subset("NoAns_accuracy", "declared abstentions on unanswerable questions"),
            on_subset("abstention_precision", "share of abstentions that were right"),
            broken,
            exact,
            f1};
  }

  row score(int64_t index, const assay_json::value &record) override {
    const std::string &raw = text_of(record, index, "prediction");
    const std::string own = squad_normalise(raw);
    std::vector<std::string> golds;
    for (const std::string &gold : texts_of(record, index, "golds"))
      if (std::string normal = squad_normalise(gold); !normal.empty())
        golds.push_back(std::move(normal));
    const bool answerable = !golds.empty();
    if (!answerable) golds.emplace_back();
    double exact = 0.0;
    double f1 = 0.0;
    for (const std::string &gold : golds) {
      exact = std::max(exact, own == gold ? 1.0 : 0.0);
      f1 = std::max(f1, token_f1(own, gold));
    }
    const bool abstained = std::find(abstentions_.begin(), abstentions_.end(),
                                     lower_case(trimmed(raw))) != abstentions_.end();
    const bool degenerate = own.empty();
    remember(answerable, abstained, degenerate, exact, f1, record.number_or("na_prob", 0.0));
    const double has = answerable ? 1.0 : 0.0;
    const double right_exact = answerable && !abstained && !degenerate ? exact : 0.0;
    const double right_f1 = answerable && !abstained && !degenerate ? f1 : 0.0;
    const double right_abstention = !answerable && abstained ? 1.0 : 0.0;
    return {{right_exact, right_f1, right_abstention, right_abstention, degenerate ? 1.0 : 0.0,
             exact, f1},
            {has, has, 1.0 - has, abstained ? 1.0 : 0.0}};
  }

  std::string note() const override {
    const double has = sum([](const item &i) { return i.answerable ? 1.0 : 0.0; });
    const double none = static_cast<double>(items_.size()) - has;
    const double f1 = sum(
        [](const item &i) { return i.answerable && !i.abstained && !i.degenerate ? i.f1 : 0.0; });
    const double abstained =
        sum([](const item &i) { return !i.answerable && i.abstained ? 1.0 : 0.0; });
    const auto share = [](double top, double bottom) {
      return bottom > 0 ? std::to_string(top / bottom) : "null";
    };
    std::string balanced = "null";
    if (has > 0 && none > 0) balanced = std::to_string(0.5 * (f1 / has + abstained / none));
    return "{\"answerable\":" + std::to_string(static_cast<int64_t>(has)) +
           ",\"unanswerable\":" + std::to_string(static_cast<int64_t>(none)) +
           ",\"balanced\":" + balanced +
           ",\"always_abstain\":" + share(none, static_cast<double>(items_.size())) +
           ",\"best_exact\":" + share(best(true), static_cast<double>(items_.size())) +
           ",\"best_f1\":" + share(best(false), static_cast<double>(items_.size())) + "}";
  }
  void clear() override { items_.clear(); }

 private:
  struct item {
    bool answerable, abstained, degenerate;
    double exact, f1, no_answer_probability;
  };
  void remember(bool answerable, bool abstained, bool degenerate, double exact, double f1,
                double probability) {
    items_.push_back({answerable, abstained, degenerate, exact, f1, probability});
  }
  template <typename function>
  double sum(function of) const {
    double total = 0.0;
    for (const item &one : items_) total += of(one);
    return total;
  }
  // Returns the best sum of scores of the official script over all thresholds of no_answer_probability. If this
  // probability of a sample is above the threshold, its answer counts as "no answer". The loop raises the threshold:
  // first all answers count as "no answer", then one answer after another counts as given.
  double best(bool exact) const {
    std::vector<item> sorted = items_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const item &a, const item &b) {
      return a.no_answer_probability < b.no_answer_probability;
    });
    double score = sum([](const item &i) { return i.answerable ? 0.0 : 1.0; });
    double highest = score;
    for (const item &one : sorted) {
      if (one.answerable)
        score += exact ? one.exact : one.f1;
      else if (!one.degenerate)
        score -= 1.0;
      highest = std::max(highest, score);
    }
    return highest;
  }

  std::vector<std::string> abstentions_;
  std::vector<item> items_;
};

}  // namespace

std::unique_ptr<metric> make_squad(const assay_json::value &config) {
  return std::make_unique<squad>(config);
}

}  // namespace answers
