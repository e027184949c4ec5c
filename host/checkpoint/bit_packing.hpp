// Codes of 2 to 8 bits out of 32-bit words, dense: where the width does not divide 32 a code may
// lie in two words. Not a format: who packed along which dimension is
// told there.
#pragma once

#include "aten.hpp"

namespace assay::model {

// words [rows, n_words] int32, `per_row` codes of `bits` bits in each row, least significant first.
// Returns [rows, per_row] int8: the stored code minus 2^(bits-1).
at::Tensor unpack_codes(const at::Tensor &words, int64_t per_row, int64_t bits);

}  // namespace assay::model
