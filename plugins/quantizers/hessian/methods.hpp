// The methods of this plugin as plain functions on one linear; plugin.cpp puts them behind the C
// ABI.
#pragma once

#include "assay.h"
#include "common.hpp"

namespace hessian {

struct method_config {
  grid_options grid;
  // gptq
  bool act_order = true, static_groups = true;
  int64_t block_size = 128;  // columns
  double damping = 0.05;     // of mean(diag H)
};

// Round to nearest on searched grids.
void opt_rtn(const assay_host *host, const method_config &config, const assay_layer *layer,
             const assay_stats *stats, const assay_sink *sink);
// Error feedback through the inverse Hessian (Frantar et al., arXiv 2210.17323).
void gptq(const assay_host *host, const method_config &config, const assay_layer *layer,
          const assay_stats *stats, const assay_sink *sink);

}  // namespace hessian
