// The threads behind host->parallel_for. Not for the host's own kernels, which use LibTorch's.
#pragma once

#include <assay.h>

namespace assay::plug {

// The contract is host.h's. Loops that overlap in time, and nested ones, run serially
// in the caller.
int32_t run_in_pieces(int64_t n, int64_t grain, assay_range_fn body, void *arg);

}  // namespace assay::plug
