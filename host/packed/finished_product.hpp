// Checks the input of a product with packed weights, and gives the result its bias and shape.
#pragma once

#include "aten.hpp"

namespace assay::model {

// Throws error(usage) unless x is in float32 on the CPU.
void require_packed_input(const at::Tensor &x);

// Makes the result of a product from `out`, [tokens, rows or more] fp32: keeps its first `rows`
// columns, adds the bias [rows] (undefined = none), and returns them as [.., rows], where .. are the
// leading dimensions of x.
at::Tensor finished_product(at::Tensor out, int64_t rows, const at::Tensor &x,
                            const at::Tensor &bias);

}  // namespace assay::model
