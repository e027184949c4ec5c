// The metric exact_match: whether a prediction equals one of the gold texts (the right answers), and the F1 of their words.
// squad.cpp is for SQuAD with unanswerable questions.
#include <algorithm>

#include "extract.hpp"
#include "metric.hpp"
#include "text_normal.hpp"

namespace answers {
namespace {

class exact_match : public metric {
 public:
  explicit exact_match(const assay_json::value &config)
      : normaliser_(config.string("normaliser")), rule_(config.string("extract")) {}

  std::vector<number> declared() const override {
    number match{"exact_match"};
    match.summary = "share of predictions equal to a gold text after normalising";
    number f1{"f1", "fraction", "higher", "bounded", "bootstrap"};
    f1.summary = "mean token F1 against the closest gold text";
    return {match, f1};
  }

  row score(int64_t index, const assay_json::value &record) override {
    const std::string own = normalise(extracted(text_of(record, index, "prediction")));
    double match = 0.0;
    double f1 = 0.0;
    for (const std::string &gold : texts_of(record, index, "golds")) {
      const std::string wanted = normalise(gold);
      match = std::max(match, own == wanted ? 1.0 : 0.0);
      f1 = std::max(f1, token_f1(own, wanted));
    }
    return {{match, f1}, {}};
  }

 private:
  // If a pattern finds nothing, lm-evaluation-harness compares "[invalid]" with the gold text (filters/extraction.py).
  std::string extracted(const std::string &text) const {
    return rule_ == "none" ? text : extract_answer(text, rule_).value_or("[invalid]");
  }
  std::string normalise(const std::string &text) const {
    if (normaliser_ == "squad") return squad_normalise(text);
    if (normaliser_ == "gsm8k") return harness_clean(text);
    if (normaliser_ == "lower") return lower_case(trimmed(text));
    return trimmed(text);
  }
  std::string normaliser_, rule_;
};

}  // namespace

std::unique_ptr<metric> make_exact_match(const assay_json::value &config) {
  return std::make_unique<exact_match>(config);
}

}  // namespace answers
