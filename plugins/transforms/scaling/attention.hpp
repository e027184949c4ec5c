// Divides keys by scales s and multiplies queries by s. Keys whose channels have similar size round
// better, in the cache and in int8 attention. There is one scale for each key head and each pair of
// channels that RoPE rotates together. The products of queries and keys stay the same, if no norm lies
// between the linears q, k and attention.
#pragma once

#include <string>

#include "assay.hpp"

namespace scaling {

// A scale is (rms of k)^alpha / (rms of q)^(1 - alpha). rms is the root mean square over the pair of
// channels, and for q also over all query heads that read the key head. Both rms are computed from the
// Hessian of the input of q and k. Then the scales of a head are divided by sqrt(largest * smallest).
// Changes the rows of q and k. Returns false and sets `reason` if the model does not allow it.
bool scale_keys(const assay_block &block, double alpha, std::string &reason);

}  // namespace scaling
