// The transforms of this plugin as classes for assay_cpp::transform_table.
#pragma once

#include "assay.hpp"

namespace scaling {

// Activation-aware scaling (Lin et al., arXiv 2306.00978): the exponent that loses least after rounding.
class awq {
 public:
  awq(assay_cpp::host host, const char *config_json);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  assay_cpp::host host_;
  int64_t steps_;     // exponents 0, 1/steps .. 1
  bool plain_, duo_;  // which forms of the scale are tried
};

// Migration of activation ranges into weights (Xiao et al., arXiv 2211.10438).
class smoothquant {
 public:
  smoothquant(assay_cpp::host host, const char *config_json);
  void needs(const assay_block &block, assay_needs &out);
  void apply(const assay_block &block, const assay_edit &edit);

 private:
  assay_cpp::host host_;
  double alpha_;
  bool all_groups_;
};

}  // namespace scaling
