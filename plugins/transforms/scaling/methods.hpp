// Declares the transforms of this plugin: awq, awq_sqrt and smoothquant. plugin.cpp makes a component
// of each class.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "assay.hpp"
#include "channels.hpp"
#include "clip.hpp"

namespace scaling {

// Scales channels by mean|x|^r with the exponent r of least loss (Lin et al., arXiv 2306.00978).
class awq {
 public:
  explicit awq(assay_cpp::host host);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  struct choice {  // the best candidate of one group; identity_loss: the loss without scaling
    std::vector<float> scale;
    double loss = 0, identity_loss = 0, exponent = 0;
    const char *form = "identity";
  };
  struct limits {  // what the clip search of one group needs; hessian: that of the scaled inputs
    const assay_group *group;
    std::vector<float> hessian;
  };
  choice search(const channel_group &channels, const plain_grid &grid,
                const std::function<double(const std::vector<float> &)> &loss) const;
  void clip(const limits &of, const plain_grid &grid, const assay_edit &edit,
            std::string &clips) const;

  assay_cpp::host host_;
  int64_t steps_, loss_tokens_;  // the exponents are 0, 1/steps .. 1; tokens of a forward pass
  // plain_, duo_: whether this form of the scale (awq.cpp) is tried. parent_: whether the loss of
  // parent.hpp is used for groups that have a parent.
  bool plain_, duo_, parent_;
  clip_search clip_;
};

// Scales channels by sqrt(mean|x| + epsilon), without a search.
class awq_sqrt {
 public:
  explicit awq_sqrt(assay_cpp::host host);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  assay_cpp::host host_;
  double epsilon_;
};

// Moves a part of the range of inputs into the weights, so that inputs are easier to round (Xiao et
// al., arXiv 2211.10438).
class smoothquant {
 public:
  explicit smoothquant(assay_cpp::host host);
  void check(const char *arch_json);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  std::string scale_group(const assay_block &block, uint32_t position) const;  // returns JSON
  assay_cpp::host host_;
  double alpha_;
  int64_t loss_tokens_;
  bool all_groups_, search_, heads_;
};

}  // namespace scaling
