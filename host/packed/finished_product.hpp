// What all products with packed weights begin and end with.
#pragma once

#include "aten.hpp"

namespace assay::model {

// Throws error(usage) unless x is in float32 on the CPU.
void require_packed_input(const at::Tensor &x);

// Makes the result of a product: `out` [tokens, rows or more] fp32, of which the first `rows` columns
// count, gets the bias [rows] (or none, if it is undefined) and the leading dimensions of x.
at::Tensor finished_product(at::Tensor out, int64_t rows, const at::Tensor &x,
                            const at::Tensor &bias);

}  // namespace assay::model
