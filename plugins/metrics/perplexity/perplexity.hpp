// Perplexity and its relatives from the cross-entropies of samples (windows or documents).
// Not the plugin's face (plugin.cpp) and no intervals: the host makes those from the scores.
#pragma once

#include <assay.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace perplexity_metric {

using assay_cpp::argument_problem;
using assay_cpp::numerical_problem;

struct sample {
  int64_t index = 0;
  double nll_sum = 0.0;  // nats over all tokens of the sample
  double units = 0.0;    // what the mean is taken over: tokens, words or bytes
  double tokens = 0.0;
};

struct config {
  // Every sample weighs the same, as in published perplexities; else every unit does.
  bool by_window;
  std::string per;  // token word byte
};

class accumulator {
 public:
  explicit accumulator(config chosen) : config_(std::move(chosen)) {}
  void clear() { samples_.clear(); }

  // Per-token values; words_or_bytes is used unless per is "token".
  void add(int64_t index, const float *nll, int64_t n_tokens, double words_or_bytes);
  // Sums alone.
  void add_sum(int64_t index, double nll_sum, double tokens, double words_or_bytes);

  // Sorts by index, so that results do not depend on the order of arrival. Throws argument_problem
  // for none or a repeated one.
  const std::vector<sample> &sorted();
  double cross_entropy();    // nats per unit; the logarithm of the perplexity
  std::string note() const;  // JSON: tokens, samples, the worst samples; after sorted()

 private:
  config config_;
  std::vector<sample> samples_;
};

}  // namespace perplexity_metric
