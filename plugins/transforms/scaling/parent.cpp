// Computes the scaled and rounded weights of a trial (one candidate) and asks the host for their loss.
#include "parent.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace scaling {

bool has_parent(const assay_group &group) {
  return std::strcmp(group.kind, "norm") == 0;
}

parent_trial::parent_trial(assay_cpp::host host, const assay_block &block, uint32_t position,
                           const channel_group &channels, const plain_grid &grid, bool fold)
    : host_(host),
      runner_(host.require<assay_block_runner>(ASSAY_EXT_BLOCK)),
      block_(block),
      position_(position),
      channels_(channels),
      grid_(grid),
      fold_(fold) {
  const auto &group = channels.abi();
  for (uint32_t i = 0; i < group.n_consumers; ++i)
    add(group.consumers[i]->name, *group.consumers[i]->weight);
  if (fold_) add(group.norm->name, *group.norm->weight);
}

// Adds a tensor with the shape of `like` to the trial.
void parent_trial::add(const char *name, const assay_tensor &like) {
  tried one;
  one.name = name;
  one.shape.assign(like.shape, like.shape + like.ndim);
  int64_t n = 1;
  for (const int64_t extent : one.shape) n *= extent;
  one.strides.assign(one.shape.size(), 1);
  if (one.shape.size() == 2) one.strides[0] = one.shape[1];
  one.values.resize(static_cast<size_t>(n));
  tried_.push_back(std::move(one));
}

// Computes the weights for these scales, and the norm if fold_.
void parent_trial::fill(const std::vector<float> &scale) {
  const auto &group = channels_.abi();
  const int64_t in = channels_.columns(), size = grid_.group(in);
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
    const bool rounded = is_rounded(*group.consumers[i]);
    float *values = tried_[i].values.data();
    host_.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        float *q = values + row * in;
        for (int64_t c = 0; c < in; ++c)
          q[c] = w.row(row)[c] * scale[static_cast<size_t>(channels_.producer_of(c))];
        for (int64_t first = 0; first < in && rounded; first += size)
          round_group(q + first, std::min(size, in - first), grid_);
        for (int64_t c = 0; c < in && !fold_; ++c)
          q[c] /= scale[static_cast<size_t>(channels_.producer_of(c))];
      }
    });
  }
  if (!fold_) return;
  const auto norm = assay_cpp::matrix_of<float>(group.norm->weight, "the norm");
  const bool one_plus = group.norm->flags & ASSAY_NORM_ONE_PLUS;
  for (size_t j = 0; j < scale.size(); ++j)
    tried_.back().values[j] =
        one_plus ? (1.0f + norm.data[j]) / scale[j] - 1.0f : norm.data[j] / scale[j];
}

double parent_trial::loss(const std::vector<float> &scale) {
  fill(scale);
  std::vector<const char *> names;
  std::vector<const assay_tensor *> weights;
  for (auto &one : tried_) {
    one.view = {one.values.data(),
                {ASSAY_CPU, 0},
                static_cast<int32_t>(one.shape.size()),
                assay_cpp::dtype_of<float>(),
                one.shape.data(),
                one.strides.data(),
                0};
    names.push_back(one.name.c_str());
    weights.push_back(&one.view);
  }
  assay_trial trial{};
  trial.struct_size = sizeof trial;
  trial.scope = ASSAY_SCOPE_PARENT;
  trial.group = position_;
  trial.n_weights = static_cast<uint32_t>(names.size());
  trial.names = names.data();
  trial.weights = weights.data();
  double found = std::numeric_limits<double>::infinity();
  const int32_t status = runner_.loss(host_.table(), &block_, &trial, &found);
  if (status == ASSAY_NUMERICAL) return std::numeric_limits<double>::infinity();
  assay_cpp::pass_on(status);
  return found;
}

}  // namespace scaling
