// Checks the log-likelihoods of tokens, which the engine of the host has computed with the model, and computes their mean.
#include "perplexity.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace perplexity_metric {
namespace {

std::string printed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

void check_units(int64_t index, double units, const std::string &per) {
  if (!(units > 0.0) || !std::isfinite(units))
    throw argument_problem("sample " + std::to_string(index) + " has no " + per +
                           "s to take a mean over");
}

}  // namespace

void accumulator::add(int64_t index, const float *nll, int64_t n_tokens, double words_or_bytes) {
  double sum = 0.0;
  for (int64_t i = 0; i < n_tokens; ++i) {
    const double value = static_cast<double>(nll[i]);
    const auto problem = [&](const std::string &what) {
      return numerical_problem("sample " + std::to_string(index) + ", token " + std::to_string(i) +
                               ": " + what);
    };
    if (!std::isfinite(value)) throw problem("the log-probability is not finite");
    // A probability clearly above 1 means that the numbers are no log-probabilities.
    if (value < -1e-3)
      throw problem("the negative log-likelihood " + printed(value) + " is below zero");
    sum += value;
  }
  add_sum(index, sum, static_cast<double>(n_tokens), words_or_bytes);
}

void accumulator::add_sum(int64_t index, double nll_sum, double tokens, double words_or_bytes) {
  if (!std::isfinite(nll_sum))
    throw numerical_problem("sample " + std::to_string(index) +
                            ": the sum of log-probabilities is not finite");
  const double units = config_.per == "token" ? tokens : words_or_bytes;
  check_units(index, units, config_.per);
  samples_.push_back({index, nll_sum, units, tokens});
}

const std::vector<sample> &accumulator::sorted() {
  if (samples_.empty()) throw argument_problem("there are no samples");
  std::sort(samples_.begin(), samples_.end(),
            [](const sample &a, const sample &b) { return a.index < b.index; });
  const auto twice =
      std::adjacent_find(samples_.begin(), samples_.end(),
                         [](const sample &a, const sample &b) { return a.index == b.index; });
  if (twice != samples_.end())
    throw argument_problem("sample " + std::to_string(twice->index) + " came twice");
  return samples_;
}

double accumulator::cross_entropy() {
  double top = 0.0;
  double bottom = 0.0;
  for (const sample &one : sorted()) {
    top += config_.by_window ? one.nll_sum / one.units : one.nll_sum;
    bottom += config_.by_window ? 1.0 : one.units;
  }
  return top / bottom;
}

std::string accumulator::note() const {
  double tokens = 0.0;
  for (const sample &one : samples_) tokens += one.tokens;
  std::vector<sample> worst = samples_;
  std::stable_sort(worst.begin(), worst.end(), [](const sample &a, const sample &b) {
    return a.nll_sum / a.units > b.nll_sum / b.units;
  });
  worst.resize(std::min<size_t>(worst.size(), 3));
  std::string out = "{\"tokens\":" + printed(tokens) +
                    ",\"samples\":" + std::to_string(samples_.size()) + ",\"worst\":[";
  for (size_t i = 0; i < worst.size(); ++i)
    out += (i == 0 ? "" : ",") + std::string("{\"index\":") + std::to_string(worst[i].index) +
           ",\"cross_entropy\":" + printed(worst[i].nll_sum / worst[i].units) + "}";
  return out + "]}";
}

}  // namespace perplexity_metric
