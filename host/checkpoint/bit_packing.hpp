// Unpacks codes of 2 to 8 bits from 32-bit words without gaps: where the width does not divide 32,
// a code may lie in two words. The formats say along which dimension codes are packed.
#pragma once

#include "aten.hpp"

namespace assay::model {

// words [rows, n_words] int32, `per_row` codes of `bits` bits in each row, lowest bits first.
// Returns [rows, per_row] int8: the stored code minus 2^(bits-1).
at::Tensor unpack_codes(const at::Tensor &words, int64_t per_row, int64_t bits);

}  // namespace assay::model
