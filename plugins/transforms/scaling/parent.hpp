// The loss of a scale by the output of the module that holds the group (attention, MLP): the
// published loss of awq for q, k, v and gate, up. It runs through assay.block/1 and costs one
// forward of the module for each candidate.
#pragma once

#include <string>
#include <vector>

#include "channels.hpp"
#include "grid.hpp"

namespace scaling {

// True for groups behind a norm, where the module's output differs from the outputs of the linears.
bool has_parent(const assay_group &group);

class parent_trial {
 public:
  // position: of the group in the block. fold: the norm is divided by s and the weights stay
  // scaled, as they will be stored; else the weights are scaled back and the norm stays (llm-awq's
  // trial: the same function with other rounding).
  parent_trial(assay_cpp::host host, const assay_block &block, uint32_t position,
               const channel_group &channels, const plain_grid &grid, bool fold);
  // scale: one for each producer channel. Returns infinity where the host finds no finite loss.
  double loss(const std::vector<float> &scale);

 private:
  struct tried {
    std::string name;
    std::vector<float> values;
    std::vector<int64_t> shape, strides;
    assay_tensor view{};
  };
  void add(const char *name, const assay_tensor &like);
  void fill(const std::vector<float> &scale);

  assay_cpp::host host_;
  const assay_block_runner &runner_;
  const assay_block &block_;
  uint32_t position_;
  const channel_group &channels_;
  plain_grid grid_;
  bool fold_;
  std::vector<tried> tried_;  // consumers, then the norm where it is folded
};

}  // namespace scaling
