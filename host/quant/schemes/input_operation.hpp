// Operations that a transform leaves in the forward pass, on the input of a linear whose weight undoes them.
// Not the transforms: a plugin says what is to be done, as JSON, and this does it.
#pragma once

#include <functional>

#include "aten.hpp"
#include "core/json.hpp"

namespace assay::quant {

// x [.., width] -> x T, T orthogonal. Operations (plugin_api/assay/transform.h):
//   {"op": "hadamard", "size": 1536, "base": ["++..", ..]}: consecutive pieces of `size` channels are multiplied by
//   H = (base (x) Sylvester) / sqrt(size); "base" may be absent: then H is Sylvester's and size a power of two.
// Throws error(plugin) for an operation that is unknown, is not orthogonal or does not divide width.
std::function<at::Tensor(const at::Tensor &)> online_operation(const json &operation,
                                                               int64_t width);

// Sylvester's Hadamard matrix of a power of two, not scaled: [n, n] f32.
at::Tensor sylvester(int64_t n);

}  // namespace assay::quant
