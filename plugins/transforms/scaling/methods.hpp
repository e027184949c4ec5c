// The transforms of this plugin as classes for assay_cpp::transform_table.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "assay.hpp"
#include "channels.hpp"
#include "clip.hpp"

namespace scaling {

// Activation-aware scaling (Lin et al., arXiv 2306.00978) by the exponent of least loss.
class awq {
 public:
  explicit awq(assay_cpp::host host);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  struct choice {
    std::vector<float> scale;
    double loss = 0, identity_loss = 0, exponent = 0;
    const char *form = "identity";
  };
  struct limits {  // what the clip search of one group needs
    const assay_group *group;
    std::vector<float> hessian;
  };
  choice search(const channel_group &channels, const plain_grid &grid,
                const std::function<double(const std::vector<float> &)> &loss) const;
  void clip(const limits &of, const plain_grid &grid, const assay_edit &edit,
            std::string &clips) const;

  assay_cpp::host host_;
  int64_t steps_, loss_tokens_;  // exponents 0, 1/steps .. 1; tokens of a trial
  bool plain_, duo_, parent_;    // which forms of the scale are tried, and behind what
  clip_search clip_;
};

// sqrt(mean|x| + epsilon), no search (awq_sqrt.cpp).
class awq_sqrt {
 public:
  explicit awq_sqrt(assay_cpp::host host);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  assay_cpp::host host_;
  double epsilon_;
};

// Migration of activation ranges into weights (Xiao et al., arXiv 2211.10438).
class smoothquant {
 public:
  explicit smoothquant(assay_cpp::host host);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  std::string scale_group(const assay_block &block, uint32_t position) const;  // -> JSON
  assay_cpp::host host_;
  double alpha_;
  int64_t loss_tokens_;
  bool all_groups_, search_, heads_;
};

}  // namespace scaling
