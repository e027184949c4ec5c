// Knows the channels between a producer (a norm or a linear) and its consumers (the linears that read
// these channels): which channel of the producer feeds which column of a consumer. Applies a scale to
// both. awq.cpp, awq_sqrt.cpp and smoothquant.cpp decide the scales.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "assay.hpp"

namespace scaling {

// A group of producers and consumers. There is one scale for each producer channel.
class channel_group {
 public:
  // Returns false and sets `reason` if this kind of group cannot be scaled or its shapes do not fit.
  static bool usable(const assay_group &group, std::string &reason);
  // The group must be usable and outlive this object.
  explicit channel_group(const assay_group &group);

  const assay_group &abi() const { return group_; }
  int64_t producers() const { return n_producers_; }   // channels that carry a scale
  int64_t columns() const { return group_.channels; }  // columns of the consumers
  int64_t producer_of(int64_t column) const { return tie_[static_cast<size_t>(column)]; }
  // per_column: a number for each column of the consumers. Both functions return a number for each
  // producer channel: the mean, or the maximum, over the columns that the channel feeds.
  std::vector<double> tied_mean(const float *per_column) const;
  std::vector<double> tied_max(const float *per_column) const;
  // Divides producer channel j by scale[j] and multiplies the columns that it feeds by scale[j]. So the
  // model computes the same function as before.
  void fold(const std::vector<float> &scale) const;

 private:
  const assay_group &group_;
  int64_t n_producers_ = 0;
  std::vector<int64_t> tie_;  // column -> producer channel
};

// False for a router of experts, which stays in float: its columns are scaled, and its weights are not rounded.
bool is_rounded(const assay_linear &consumer);

// Divides the scales by sqrt(max * min), so that they lie around 1 (as llm-awq does).
void normalise(std::vector<float> &scale);

}  // namespace scaling
