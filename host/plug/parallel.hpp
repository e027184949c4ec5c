// Runs host->parallel_for, the parallel loop for plugins, on threads of its own. The host's kernels
// use LibTorch's threads instead.
#pragma once

#include <assay.h>

namespace assay::plug {

// Runs body(arg, begin, end) over [0, n) in pieces; plugin_api/assay/host.h has the contract. A loop that starts inside
// another one, or while another one runs, runs serially on the thread of its caller.
int32_t run_in_pieces(int64_t n, int64_t grain, assay_range_fn body, void *arg);

}  // namespace assay::plug
