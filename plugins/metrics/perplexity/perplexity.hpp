// Computes perplexity and cross-entropy from the log-likelihoods of samples (windows or documents). The host
// computes intervals from the scores. plugin.cpp is the interface to the host.
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
  double nll_sum = 0.0;  // sum of -log p over the tokens of the sample, in nats
  double units = 0.0;    // number of tokens, words or bytes over which the mean is taken
  double tokens = 0.0;
};

struct config {
  // true: every sample has the same weight, as in published perplexities. false: every token (or word,
  // or byte) has the same weight.
  bool by_window;
  std::string per;  // token word byte
};

class accumulator {
 public:
  explicit accumulator(config chosen) : config_(std::move(chosen)) {}
  void clear() { samples_.clear(); }

  // Adds a sample, given -log p of each token. words_or_bytes is ignored if `per` is "token". Throws
  // numerical_problem for a value below -0.001 and for one that is not finite. Rounding may give -1e-7,
  // so a small negative value is no error.
  void add(int64_t index, const float *nll, int64_t n_tokens, double words_or_bytes);
  // Adds a sample, given the sum of -log p and the number of tokens.
  void add_sum(int64_t index, double nll_sum, double tokens, double words_or_bytes);

  // Sorts the samples by index, so that results do not depend on the order in which they came. Throws
  // argument_problem if there are none or an index comes twice.
  const std::vector<sample> &sorted();
  double cross_entropy();    // in nats; the logarithm of the perplexity
  std::string note() const;  // JSON with the three worst samples; call sorted() first

 private:
  config config_;
  std::vector<sample> samples_;
};

}  // namespace perplexity_metric
