// Computes the loss of scales at the output of the module that holds the linears: attention or the MLP,
// called their *parent*. This is the loss of the paper (awq) for q, k, v and gate, up. The host runs the
// module (assay.block/1), one forward pass for each candidate.
#pragma once

#include <string>
#include <vector>

#include "channels.hpp"
#include "grid.hpp"

namespace scaling {

// True for groups behind a norm: q, k, v and gate, up. For o and down the module's output is the
// output of the linear itself.
bool has_parent(const assay_group &group);

class parent_trial {
 public:
  // position: the place of the group in the block. s below are the scales of a trial. fold = true tries
  // the norm divided by s and the weights multiplied by s, as they will be stored. fold = false leaves
  // the norm as it is and divides the weights by s after rounding, as llm-awq does.
  parent_trial(assay_cpp::host host, const assay_block &block, uint32_t position,
               const channel_group &channels, const plain_grid &grid, bool fold);
  // scale: one for each producer channel. Returns infinity if the loss is not finite.
  double loss(const std::vector<float> &scale);

 private:
  struct tried {  // a tensor of the trial
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
  std::vector<tried> tried_;  // one for each consumer, then one for the norm if fold_
};

}  // namespace scaling
