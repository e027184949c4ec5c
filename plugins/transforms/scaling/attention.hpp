// Scales between keys and queries, one for each head and pair of channels that RoPE turns together:
// k / s, q * s. Keys whose channels are alike round better, in the cache and in int8 attention. The
// function is unchanged where no norm lies between the linears and attention.
#pragma once

#include <string>

#include "assay.hpp"

namespace scaling {

// Scales are (rms of k)^alpha / (rms of q)^(1 - alpha), both from the Hessian of the shared input,
// taken over the pair and, for q, over the query heads that read the key head; normalised head by
// head. Returns false with the reason where the model does not allow it.
bool scale_keys(const assay_block &block, double alpha, std::string &reason);

}  // namespace scaling
