// Declares the methods of this plugin as functions that quantize one linear (a weight matrix) and
// emit the result. plugin.cpp wraps them in the C ABI.
#pragma once

#include "assay.h"
#include "common.hpp"
#include "feedback.hpp"

namespace hessian {

// The configuration. The defaults that users get are in the schemas (schemas.inc). A member that the
// method does not read keeps the value written here.
struct method_config {
  grid_options grid;
  // These are for gptq and gptaq, and for salient and adaround when they round by gptq.
  // act_order: columns are rounded by falling diag H. static_groups: grids are fitted before feedback;
  // salient and adaround have no other choice.
  bool act_order = true, static_groups = true;
  int64_t block_size = 128;  // columns of a block (feedback.cpp); adaround keeps 128
  double damping = 0;        // a share of mean(diag H), added to diag H
  double alpha = 0;          // gptaq: share of the correction towards the float model's output
  // adaround. from_gptq: starts from gptq's result. float_target: aims at the float model's output.
  // descend: improves single weights at the end. warm_up: share of the iterations without regulariser.
  bool from_gptq = false, float_target = false, descend = false;
  int iterations = 0;
  double rate = 0, regulariser = 0, warm_up = 0, beta_high = 0, beta_low = 0;
  // salient. with_feedback: rounds by gptq. by_activation: ranks columns by mean |x|. dynamic: each
  // linear decides how many columns stand out.
  bool with_feedback = false, by_activation = false, dynamic = false;
  double ratio = 0, middle_ratio = 0, threshold = 0;
  int high_bits = 0, middle_bits = 0;
};

// Every function below throws failure if a statistic that it needs is missing.
// stats: the statistics of the linear's input x. H = sum x x^T is called the Hessian.

// Round to nearest, with a search for the scales.
void opt_rtn(assay_cpp::host host, const method_config &config, const assay_linear *linear,
             const assay_stats *stats, assay_cpp::sink sink);
// Error feedback: later columns make up for the error of earlier ones, by way of the inverse Hessian
// (Frantar et al., arXiv 2210.17323).
void gptq(assay_cpp::host host, const method_config &config, const assay_linear *linear,
          const assay_stats *stats, assay_cpp::sink sink);
// Like gptq, but the target is the output of the float model on its own inputs (arXiv 2504.02692).
void gptaq(assay_cpp::host host, const method_config &config, const assay_linear *linear,
           const assay_stats *stats, assay_cpp::sink sink);
// Learns for every weight whether it is rounded up or down (Nagel et al., arXiv 2004.10568). The loss
// is computed from the Hessian.
void adaround(assay_cpp::host host, const method_config &config, const assay_linear *linear,
              const assay_stats *stats, assay_cpp::sink sink);
// Gives the columns that matter most more bits (Lee et al., OWQ, arXiv 2306.02272).
void salient(assay_cpp::host host, const method_config &config, const assay_linear *linear,
             const assay_stats *stats, assay_cpp::sink sink);
// Writes the weight of a form that salient emitted to `out`, [out, in].
void dequantize_salient(assay_cpp::host host, const method_config &config, const assay_form *form,
                        const assay_tensor *out);

// Returns a range over all columns with the groups and grids of the configuration. It refers to
// `grids`, [out, groups], and does not own them.
feedback_range whole_range(const method_config &config, const feedback &problem,
                           std::vector<group_grid> &grids);
// Throws failure if act_order is set and static_groups is not: kernels cannot read such a result.
void refuse_moving_grids(const method_config &config);

}  // namespace hessian
