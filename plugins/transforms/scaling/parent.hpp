// The loss of a scale behind the module that holds the group (attention, MLP): the published loss of awq for q, k, v and
// gate, up. Runs through assay.block/1; what it costs is a forward of the module for each candidate.
#pragma once

#include <string>
#include <vector>

#include "channels.hpp"
#include "grid.hpp"

namespace scaling {

// True where the parent's output is another thing than the linears': groups behind a norm.
bool has_parent(const assay_group &group);

class parent_trial {
 public:
  // position: of the group in the block. fold: the norm carries 1 / s and the weights stay scaled, as they will be stored;
  // else the weights are scaled back and the norm is left alone (llm-awq's trial: the same function, other rounding).
  parent_trial(assay_cpp::host host, const assay_block &block, uint32_t position,
               const channel_group &channels, const plain_grid &grid, bool fold);
  // Scales are one for each producer channel. Infinite where the host finds no finite loss.
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
