// Turns numbers of single tokens into what a report shows: means of windows, percentiles, and the mean
// divergence by the confidence of the untouched model (the reference) and by position. The engine of the
// host has compared the probabilities of the two models. plugin.cpp is the interface to the host.
#pragma once

#include <assay.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace distance_metric {

// One window of text, as host/engine/distance.hpp measures it. All arrays are [tokens]. kld: KL
// divergence, in nats. nll: -log of the right token's probability, in nats. delta_p: change of that
// probability. reference_top: the largest probability of the reference. same_top: 1 if both models have
// the same likeliest token. top5_shared: share of the reference's five likeliest tokens that are also among
// the five likeliest of the variant.
struct window {
  int64_t index = 0;
  std::vector<float> kld, reference_nll, own_nll, delta_p, reference_top, same_top, top5_shared;
};

// One mean for each window. log_ratio: mean of own_nll - reference_nll. The members are in the order of
// the numbers that the plugin declares.
struct window_means {
  std::vector<double> kld, same_top, top5_shared, delta_p, log_ratio;
};

class accumulator {
 public:
  void clear() { windows_.clear(); }
  // Throws argument_problem if the arrays differ in length or are empty, and numerical_problem, with window
  // and token, if a value is not finite.
  void add(window one);
  // Sorts the windows by index, so that results do not depend on the order in which they came. Throws
  // argument_problem if there are none.
  window_means means();
  // Returns JSON with percentiles, buckets by confidence, and positions. Call means() first.
  std::string note() const;

 private:
  std::vector<window> windows_;
};

// Returns the value at fraction f of n sorted values, at place f * (n - 1), linear between neighbours,
// as llama.cpp does.
double percentile(const std::vector<float> &sorted, double f);

}  // namespace distance_metric
