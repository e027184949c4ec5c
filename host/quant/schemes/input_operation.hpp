// Makes the operations that a transform leaves in the forward pass, on the input of a linear. The
// weight of the linear undoes them. A plugin describes an operation as JSON.
#pragma once

#include <functional>

#include "aten.hpp"
#include "core/json.hpp"

namespace assay::quant {

// Returns a function that maps x [.., width] to x T with an orthogonal matrix T. Only one operation
// is known (plugin_api/assay/transform.h):
//   {"op": "hadamard", "size": 1536, "base": ["++..", ..]}: consecutive pieces of `size` channels
//   are multiplied by H = (base (x) S) / sqrt(size). (x) is the Kronecker product, and S is
//   Sylvester's matrix. Without "base" H is S / sqrt(size), and size must be a power of two.
// Throws error(plugin) if the operation is unknown or not orthogonal, or if size
// does not divide width.
std::function<at::Tensor(const at::Tensor &)> make_input_operation(const json &operation,
                                                                   int64_t width);

// Sylvester's Hadamard matrix [n, n] f32 of entries 1 and -1. n: a power of two.
at::Tensor sylvester(int64_t n);

}  // namespace assay::quant
