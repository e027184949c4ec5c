// The methods of this plugin as plain functions on one linear. plugin.cpp wraps them in the C ABI.
#pragma once

#include "assay.h"
#include "common.hpp"
#include "feedback.hpp"

namespace hessian {

// What the configuration says. The defaults are those of the schemas (schemas.inc); a member that
// the method at hand does not read stays as it is here.
struct method_config {
  grid_options grid;
  // gptq, gptaq; salient and adaround where they start from gptq
  bool act_order = true, static_groups = true;  // the groups of salient and adaround are static
  int64_t block_size = 128;                     // columns between two products; adaround's is fixed
  double damping = 0;                           // of mean(diag H)
  double alpha = 0;                             // gptaq: share of the correction
  // adaround
  bool from_gptq = false, float_target = false, descend = false;
  int iterations = 0;
  double rate = 0, regulariser = 0, warm_up = 0, beta_high = 0, beta_low = 0;
  // salient
  bool with_feedback = false, by_activation = false, dynamic = false;
  double ratio = 0, middle_ratio = 0, threshold = 0;
  int high_bits = 0, middle_bits = 0;
};

// Round to nearest on searched grids.
void opt_rtn(assay_cpp::host host, const method_config &config, const assay_linear *linear,
             const assay_stats *stats, assay_cpp::sink sink);
// Error feedback through the inverse Hessian (Frantar et al., arXiv 2210.17323).
void gptq(assay_cpp::host host, const method_config &config, const assay_linear *linear,
          const assay_stats *stats, assay_cpp::sink sink);
// The same with the float model's outputs as target (Li et al., arXiv 2504.02692).
void gptaq(assay_cpp::host host, const method_config &config, const assay_linear *linear,
           const assay_stats *stats, assay_cpp::sink sink);
// Learned up or down for every weight (Nagel et al., arXiv 2004.10568), through the Hessian.
void adaround(assay_cpp::host host, const method_config &config, const assay_linear *linear,
              const assay_stats *stats, assay_cpp::sink sink);
// The columns that matter most at a higher width (Lee et al., OWQ, arXiv 2306.02272).
void salient(assay_cpp::host host, const method_config &config, const assay_linear *linear,
             const assay_stats *stats, assay_cpp::sink sink);
void dequantize_salient(assay_cpp::host host, const method_config &config, const assay_form *form,
                        const assay_tensor *out);

// The grids of gptq's static groups and the range over all columns that uses them.
feedback_range whole_range(const method_config &config, const feedback &problem,
                           std::vector<group_grid> &grids);
// Throws where moving grids meet an order that is not the model's.
void refuse_moving_grids(const method_config &config);

}  // namespace hessian
