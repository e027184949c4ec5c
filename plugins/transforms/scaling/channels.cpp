// Applies scales to both sides of a group and knows which columns share a scale. Under grouped-query
// attention several query heads read one key-value head, so the columns of o for these heads share the
// scale of one row of v (plugins/METHODS.md, "AWQ").
#include "channels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace scaling {

using assay_cpp::matrix_of;

bool channel_group::usable(const assay_group &group, std::string &reason) {
  const std::string kind = group.kind;
  if (kind == "norm") {
    if (!group.norm || group.norm->bias || (group.norm->flags & ASSAY_NORM_CENTERED))
      reason = "its norm has a bias or subtracts the mean";
  } else if (kind == "up_down") {
    if (group.n_producers != 1 || group.producers[0]->out_features != group.channels)
      reason = "shapes of up and down differ";
  } else if (kind == "v_o") {
    const int64_t rows = group.kv_heads * group.head_dim;
    if (group.n_producers != 1 || group.producers[0]->out_features != rows ||
        group.heads * group.head_dim != group.channels || group.kv_heads <= 0 ||
        group.heads % group.kv_heads)
      reason = "shapes of v, o and the heads do not fit";
  } else {
    reason = "groups of kind '" + kind + "' are not rescaled";
  }
  return reason.empty();
}

channel_group::channel_group(const assay_group &group)
    : group_(group), tie_(static_cast<size_t>(group.channels)) {
  const bool heads = std::strcmp(group.kind, "v_o") == 0;
  n_producers_ = heads ? group.kv_heads * group.head_dim : group.channels;
  for (int64_t column = 0; column < group.channels; ++column) {
    int64_t producer = column;
    if (heads) {
      const int64_t head = column / group.head_dim, place = column % group.head_dim;
      producer = head * group.kv_heads / group.heads * group.head_dim + place;
    }
    tie_[static_cast<size_t>(column)] = producer;
  }
}

std::vector<double> channel_group::tied_mean(const float *per_column) const {
  std::vector<double> sums(static_cast<size_t>(n_producers_)), counts(sums.size());
  for (size_t column = 0; column < tie_.size(); ++column) {
    sums[static_cast<size_t>(tie_[column])] += static_cast<double>(per_column[column]);
    counts[static_cast<size_t>(tie_[column])] += 1;
  }
  for (size_t j = 0; j < sums.size(); ++j) sums[j] /= counts[j];
  return sums;
}

std::vector<double> channel_group::tied_max(const float *per_column) const {
  std::vector<double> most(static_cast<size_t>(n_producers_));
  for (size_t column = 0; column < tie_.size(); ++column) {
    auto &here = most[static_cast<size_t>(tie_[column])];
    here = std::max(here, static_cast<double>(per_column[column]));
  }
  return most;
}

void channel_group::fold(const std::vector<float> &scale) const {
  if (group_.norm) {
    float *weight = matrix_of<float>(group_.norm->weight, "the norm").data;
    const bool one_plus = group_.norm->flags & ASSAY_NORM_ONE_PLUS;
    for (size_t j = 0; j < scale.size(); ++j)
      weight[j] = one_plus ? (1.0f + weight[j]) / scale[j] - 1.0f : weight[j] / scale[j];
  }
  for (uint32_t i = 0; i < group_.n_producers; ++i) {
    const auto rows = matrix_of<float>(group_.producers[i]->weight, "a producer's weight");
    for (int64_t row = 0; row < rows.rows; ++row)
      for (int64_t c = 0; c < rows.columns; ++c)
        rows.row(row)[c] /= scale[static_cast<size_t>(row)];
    if (!group_.producers[i]->bias) continue;
    const auto bias = matrix_of<float>(group_.producers[i]->bias, "a producer's bias");
    for (int64_t row = 0; row < bias.columns; ++row)
      bias.data[row] /= scale[static_cast<size_t>(row)];
  }
  for (uint32_t i = 0; i < group_.n_consumers; ++i) {
    const auto columns = matrix_of<float>(group_.consumers[i]->weight, "a consumer's weight");
    for (int64_t row = 0; row < columns.rows; ++row)
      for (int64_t c = 0; c < columns.columns; ++c)
        columns.row(row)[c] *= scale[static_cast<size_t>(producer_of(c))];
  }
}

bool is_rounded(const assay_linear &consumer) {
  return std::strcmp(consumer.role, "moe.router") != 0;
}

void normalise(std::vector<float> &scale) {
  const auto [least, most] = std::minmax_element(scale.begin(), scale.end());
  const float middle = std::sqrt(*least * *most);
  for (float &s : scale) s /= middle;
}

}  // namespace scaling
