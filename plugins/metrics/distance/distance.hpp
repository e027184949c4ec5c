// From one number per token to what a report shows of a distance: means by window, percentiles,
// agreement, and the mean divergence by the reference's confidence and by position. Not the
// plugin's face (plugin.cpp) and no distributions: the engine compared those tile by tile.
#pragma once

#include <assay.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace distance_metric {

// One window, all arrays of one length [tokens].
struct window {
  int64_t index = 0;
  std::vector<float> kld, reference_nll, own_nll, delta_p, reference_top, same_top, top5_shared;
};

// Means of each window, in the order of the numbers that the plugin declares.
struct window_means {
  std::vector<double> kld, same_top, top5_shared, delta_p, log_ratio;
};

class accumulator {
 public:
  void clear() { windows_.clear(); }
  // Throws numerical_problem for a value that is not finite, with its window and token.
  void add(window one);
  // Sorts by index, so that results do not depend on the order of arrival. Throws
  // argument_problem for none.
  window_means means();
  // JSON: percentiles of divergence and of the change of probability, buckets,
  // positions; after means().
  std::string note() const;

 private:
  std::vector<window> windows_;
};

// Value at fraction f of sorted values, linear between neighbours at f * (n - 1),
// as llama.cpp does.
double percentile(const std::vector<float> &sorted, double f);

}  // namespace distance_metric
